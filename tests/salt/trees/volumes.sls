# docker_volume: with a driver and its options, and one that is not there anyway.
{% set p = salt['pillar.get']('prefix') %}
{{ p }}data:
  docker_volume.present:
    - driver: local
    - driver_opts:
      - type: tmpfs
      - device: tmpfs
      - o: size=1m

short:
  docker_volume.present:
    - name: {{ p }}short

{{ p }}never:
  docker_volume.absent
