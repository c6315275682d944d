#!jinja|yaml
# A formula: a map of defaults, a loop, include, extend and exclude, the short and the split form.
{% from 'map.jinja' import web with context %}
include:
  - shared

extend:
  {{ web.prefix }}shared:
    docker_container:
      - environment:
        - FROM: extend

exclude:
  - id: {{ web.prefix }}unwanted

{% for name, level in web.levels.items() %}
{{ web.prefix }}{{ name }}:
  docker_container:
    - running
    - image: {{ web.image }}
    - init: on
    - environment:
      - LEVEL: {{ level }}
{%- do web.seen.append(name) %}
{% endfor %}

{{ web.prefix }}net: docker_network.present

{% if web.seen | length == 2 %}
{{ web.prefix }}last:
  docker_container.created:
    - image: {{ web.image }}
    - labels:
      - seen: {{ web.seen | join('+') }}
{% endif %}
