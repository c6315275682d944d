# require, watch and onchanges, of one's own and of others, and use.
{% set p = salt['pillar.get']('prefix') %}
net:
  docker_network.present:
    - name: {{ p }}net
    - subnet: {{ pillar['net'] }}.0/24
    - require_in:
      - docker_container: {{ p }}one
    - watch_in:
      - docker_container: {{ p }}two

{{ p }}one:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True
    - networks:
      - {{ p }}net

{{ p }}two:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True
    - watch:
      - docker_container: {{ p }}one

{{ p }}three:
  docker_container.running:
    - use:
      - docker_container: {{ p }}one
    - require:
      - docker_container: {{ p }}one
      - docker_network: net
      - sls: requisites

{{ p }}four:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - onchanges:
      - docker_network: {{ p }}net
    - onchanges_in:
      - docker_container: {{ p }}five

{{ p }}five:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - use_in:
      - docker_container: {{ p }}six

{{ p }}six:
  docker_container.created: []
