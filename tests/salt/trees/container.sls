# docker_container.running with the words of Salt, in strings with commas, lists, and lists of keys.
{% set p = salt['pillar.get']('prefix') %}
{{ p }}db:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - init: True

{{ p }}web:
  docker_container.running:
    - image: {{ pillar['image'] }}
    - cmd: sleep 100000
    - hostname: web
    - interactive: True
    - environment:
      - LEVEL: info
      - DEBUG: yes
      - HTTP_PORT: 8080
    - label:
      - team: web
    - ports: 8080/tcp,53/udp
    - port_bindings:
      - 127.0.0.1:{{ pillar['port'] }}:8080
    - binds: {{ p }}web-data:/data:rw,/etc:/host-etc:ro
    - links: {{ p }}db:db
    - tmpfs:
      - /run: size=1m
    - cap_add: NET_ADMIN,SYS_TIME
    - cap_drop:
      - MKNOD
    - dns: 10.0.0.1,10.0.0.2
    - dns_search: example.com
    - dns_opt: ndots:2
    - extra_hosts: one:10.0.0.3,two:10.0.0.4
    - log_driver: json-file
    - log_opt:
      - max-size: 1m
      - max-file: 2
    - mem_limit: 64M
    - cpu_shares: 512
    - pids_limit: 50
    - restart_policy: on-failure:3
    - stop_signal: SIGTERM
    - stop_timeout: 1
    - sysctls:
      - net.core.somaxconn: 512
    - ulimits: nofile=1024:2048,nproc=64
    - user: 0
    - working_dir: /data
    - init: True
    - shutdown_timeout: 1
    - client_timeout: 60
    - watch_action: SIGHUP
