{% set p = salt['pillar.get']('prefix') %}
{{ p }}shared:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - environment:
      - FROM: shared

{{ p }}unwanted:
  docker_container.running:
    - image: nobody/has:this
