# The service as an image: Python, the locked packages and Rowferry itself; no build tools, no shell scripts, not root.
ARG PYTHON=3.13-slim
ARG UV=latest

FROM ghcr.io/astral-sh/uv:${UV} AS uv

FROM python:${PYTHON} AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/rowferry UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
WORKDIR /build
# What seldom changes comes first, so that a change of the program does not install its packages again.
COPY pyproject.toml uv.lock ./
# What polars-avro asks for and nothing imports stays out: of 638 MB, 183. So do the tests and headers of Arrow: 13.
ARG LEFT_OUT="--no-install-package polars --no-install-package polars-runtime-32 --no-install-package fsspec"
RUN uv sync --locked --no-dev --no-install-project $LEFT_OUT \
 && rm -r /opt/rowferry/lib/python*/site-packages/pyarrow/tests /opt/rowferry/lib/python*/site-packages/pyarrow/include
COPY README.md LICENSE ./
COPY src src
RUN uv sync --locked --no-dev --no-editable $LEFT_OUT

FROM python:${PYTHON}
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin rowferry \
 && install -d -o rowferry -g rowferry /app /app/data /app/backups /app/logs
COPY --from=build /opt/rowferry /opt/rowferry
ENV PATH=/opt/rowferry/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
USER rowferry
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=12s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=11)"]
ENTRYPOINT ["rowferry"]
CMD ["serve"]
