# kiamo-iac in an image, for pipelines: docker build -t kiamo-iac .
#
# Not built by this project's CI, which has no container engine: build it and try it before you rely on it. The tag of the
# base image can move; pin it with the digest that your registry shows: python:3.13-slim@sha256:…
FROM python:3.13-slim AS build
COPY . /src
RUN python -m venv /opt/kiamo-iac \
 && /opt/kiamo-iac/bin/python -m pip install --no-cache-dir --require-hashes -r /src/requirements.txt \
 && /opt/kiamo-iac/bin/python -m pip install --no-cache-dir --no-deps /src

FROM python:3.13-slim
# git: ledgers on a git ref, drift's authors and the commit of an apply.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 kiamo
COPY --from=build /opt/kiamo-iac /opt/kiamo-iac
ENV PATH=/opt/kiamo-iac/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER kiamo
WORKDIR /work
# No entry point: runners of pipelines start a shell in the image.
CMD ["kiamo-iac", "--help"]
