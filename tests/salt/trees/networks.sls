# docker_network: ranges, options as a list of keys, labels, and one that is gone.
{% set p = pillar['prefix'] %}
{% set net = pillar.get('net') %}
{{ p }}front:
  docker_network.present:
    - driver: bridge
    - driver_opts:
      - com.docker.network.bridge.enable_icc: 'true'
      - com.docker.network.driver.mtu: 1400
    - subnet: {{ net }}.0/25
    - gateway: {{ net }}.1
    - iprange: {{ net }}.64/26
    - labels:
      - team: web
    - internal: no

{{ p }}back:
  docker_network.present:
    - internal: True
    - ipam_pools:
      - subnet: {{ net }}.128/25
        gateway: {{ net }}.129

{{ p }}gone:
  docker_network.absent
