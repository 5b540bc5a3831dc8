# One image for every process: the API with its relay, Dagster's webserver, daemon, code server and runs, migrations and
# operators' commands. They differ in their command. It runs as an unprivileged user, on a read-only root file system
# with /tmp in memory. `local-sqs` is for docker-compose.yml only.

FROM python:3.13-slim-trixie AS base
# Nothing is written beside the code: what can be compiled was compiled here.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/psp


# Wheels only, each by its hash: no stage needs a compiler, and no package can run code of its own while it is installed.
FROM base AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PYTHON=/opt/venv/bin/python
RUN python -m venv --without-pip /opt/venv
COPY requirements/runtime.lock requirements/build.lock requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/runtime.lock


FROM dependencies AS build
COPY pyproject.toml README.md dagster.yaml deploy/image/workspace.yaml ./
COPY deploy/image deploy/image
COPY psp_core psp_core
COPY psp_api psp_api
COPY psp_pipelines psp_pipelines
# Installed from where it lies, so that commands can name its files by their path in the repository.
RUN pip install --require-hashes --only-binary :all: -r requirements/build.lock \
    && pip install --no-deps --no-build-isolation --editable . \
    && pip uninstall --yes setuptools \
    && python -m compileall -q -j 0 psp_core psp_api psp_pipelines deploy


# The SQS endpoint for one machine. It takes any credentials: never let it be reached from outside.
FROM dependencies AS local-dependencies
COPY requirements/local.lock requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/local.lock

FROM base AS local-sqs
COPY --from=local-dependencies /opt/venv /opt/venv
COPY --from=build /opt/psp /opt/psp
RUN useradd --uid 10001 --user-group --no-create-home psp && install -d -o psp -g psp /var/lib/psp/sqs
USER 10001:10001
ENV GATEWAY_PORT=4566 BIND_HOST=0.0.0.0 SERVICES=sqs LOG_LEVEL=WARNING PERSIST_STATE=1 STATE_DIR=/var/lib/psp/sqs \
    TMPDIR=/tmp IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 DOCKER_HOST=unix:///nonexistent/docker.sock
EXPOSE 4566
# Well with its queues alone: the other programs start after it, and make none.
HEALTHCHECK --interval=5s --timeout=5s --retries=6 --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:4566/?Action=GetQueueUrl&QueueName=psp-transactions', timeout=4)"]
CMD ["sh", "deploy/image/local_sqs.sh"]


FROM base AS platform
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="psp" \
      org.opencontainers.image.description="A settlement platform: API, queue consumer and settlements" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/psp /opt/psp
# Dagster's home holds its configuration; reports and the runs' logs are the only folders that a process writes to.
RUN useradd --uid 10001 --user-group --no-create-home psp \
    && install -d -o psp -g psp /var/lib/psp/reports /var/lib/psp/dagster /var/lib/psp/dagster/storage \
    && ln -s /opt/psp/dagster.yaml /var/lib/psp/dagster/dagster.yaml
USER 10001:10001
ENV DAGSTER_HOME=/var/lib/psp/dagster HOME=/tmp
EXPOSE 3000 3001 4000
# It asks whatever the container's first process is: see the file.
HEALTHCHECK --interval=15s --timeout=20s --start-period=180s --retries=4 CMD ["python", "deploy/image/healthy.py"]
CMD ["gunicorn", "-c", "psp_api/gunicorn_conf.py", "psp_api.main:create_app()"]
