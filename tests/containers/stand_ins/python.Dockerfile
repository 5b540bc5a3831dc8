FROM psp-stand-in/debian:trixie
COPY ca-certificates.crt /etc/ssl/certs/
COPY pip.conf /etc/pip.conf
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -qq --no-install-recommends python3 python3-pip python3-venv >/dev/null \
    && rm -rf /var/lib/apt/lists/* && ln -s /usr/bin/python3 /usr/local/bin/python && ln -s /usr/bin/python3 /usr/local/bin/
CMD ["python3"]
