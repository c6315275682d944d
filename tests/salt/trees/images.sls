# docker_image: built, tagged, there, gone.
{% set p = salt['pillar.get']('prefix') %}
{{ p }}app-image:
  docker_image.present:
    - name: {{ p }}app
    - tag: '1.0'
    - build: {{ salt['pillar.get']('context') }}
    - dockerfile: Dockerfile

base-image:
  docker_image:
    - present
    - name: {{ salt['pillar.get']('image') }}
    - force: False

{{ p }}old:
  docker_image.absent:
    - images:
      - {{ p }}old:1
      - {{ p }}old:2
    - force: True
