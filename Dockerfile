FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/incidents
ENV PATH=/opt/incidents/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock .
RUN pip install --require-hashes --only-binary :all: -r requirements.lock
COPY . .
RUN pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/incidents incidents
COPY --from=build /opt/incidents /opt/incidents
ENV PATH=/opt/incidents/bin:$PATH PYTHONUNBUFFERED=1 INCIDENTS_HOST=0.0.0.0 INCIDENTS_PORT=8080
USER incidents
WORKDIR /var/lib/incidents
VOLUME /var/lib/incidents
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["incidents", "serve"]
