# onfail, prereq and listen, of one's own and of others.
{% set p = salt['pillar.get']('prefix') %}
{{ p }}broken:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - command: /no/such/program
    - onfail_in:
      - docker_container: {{ p }}told-too

{{ p }}told:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - onfail:
      - docker_container: {{ p }}broken

{{ p }}told-too:
  docker_container.created:
    - image: {{ pillar['image'] }}

{{ p }}first:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - prereq:
      - docker_container: {{ p }}second

{{ p }}second:
  docker_container.created:
    - image: {{ pillar['image'] }}
    - prereq_in:
      - docker_container: {{ p }}third

{{ p }}third:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True
    - listen:
      - docker_container: {{ p }}first
    - listen_in:
      - docker_container: {{ p }}fourth

{{ p }}fourth:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True
