FROM psp-stand-in/debian:trixie
# hadolint ignore=DL3008
RUN groupadd --system --gid 101 nginx && useradd --system --gid 101 --uid 101 --no-create-home nginx \
    && apt-get update -qq && apt-get install -qq --no-install-recommends curl nginx >/dev/null && rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
