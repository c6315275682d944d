# docker_container.stopped and absent, of what ran before.
{% set p = salt['pillar.get']('prefix') %}
{{ p }}stopped:
  docker_container.stopped:
    - shutdown_timeout: 1

two of them:
  docker_container.absent:
    - names:
      - {{ p }}gone-1
      - {{ p }}gone-2
    - force: True
