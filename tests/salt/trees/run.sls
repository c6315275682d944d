# docker_container.run: here it runs once for what it is made of.
{% set p = salt['pillar.get']('prefix') %}
{{ p }}migrate:
  docker_container.run:
    - image: {{ pillar['image'] }}
    - command: sh -c 'echo migrated'
    - replace: True
    - failhard: True
    - onlyif: test -d /

{{ p }}not-needed:
  docker_container.run:
    - image: {{ pillar['image'] }}
    - command: 'false'
    - creates: /

{{ p }}after:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True
    - require:
      - docker_container: {{ p }}migrate
