# One of several: require_any, watch_any, onchanges_any, onfail_any, onfail_all; order, names, retry, check_cmd.
{% set p = salt['pillar.get']('prefix') %}
all:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - names:
      - {{ p }}a
      - {{ p }}b:
        - labels: {which: second}
    - order: 1

{{ p }}c:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True
    - require_any:
      - docker_container: {{ p }}a
      - docker_container: {{ p }}b
    - watch_any:
      - docker_container: {{ p }}a
    - retry:
        attempts: 2
        interval: 1
    - check_cmd:
      - 'true'

{{ p }}d:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - onchanges_any:
      - docker_container: {{ p }}a
      - docker_container: {{ p }}c
    - order: last

{{ p }}e:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - onfail_any:
      - docker_container: {{ p }}a
      - docker_container: {{ p }}c

{{ p }}f:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - onfail_all:
      - docker_container: {{ p }}a
      - docker_container: {{ p }}c
