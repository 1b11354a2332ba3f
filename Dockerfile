# Tidings with Flower and the operators' page; docs/deploying.md says how your handlers come in, by a mount or a layer.
#
#     docker build -t tidings:0.1.0 .
#     docker build -t tidings:0.1.0 --build-arg EXTRAS=flower,web,otel .

FROM python:3.13-slim-bookworm AS build
ARG EXTRAS=flower,web
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/tidings
WORKDIR /src
COPY pyproject.toml constraints.txt celeryconfig.py README.md LICENSE ./
COPY handlers handlers
COPY tasks tasks
COPY tidings_cli tidings_cli
# The versions that were tested together (constraints.txt), and no compiler: everything comes as a wheel.
RUN /opt/tidings/bin/pip install --only-binary :all: --constraint constraints.txt "setuptools>=77" \
 && /opt/tidings/bin/pip install --only-binary :all: --no-binary tidings --no-build-isolation --constraint constraints.txt ".[${EXTRAS}]" \
 && /opt/tidings/bin/pip uninstall --yes setuptools

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Tidings" org.opencontainers.image.licenses="MIT"
# tini is process 1: it hands SIGTERM on, and reaps what a handler's own subprocesses leave behind.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /shop --shell /usr/sbin/nologin tidings
COPY --from=build /opt/tidings /opt/tidings
# Nothing is written but to /tmp: the file system may be read-only. /shop is where handlers are found.
ENV PATH=/opt/tidings/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /shop
USER 10001:10001
# A warm shutdown: no new messages, ten seconds for handlers, the rest is handed on. Give it 30 s before a SIGKILL.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "tidings"]
CMD ["--help"]
