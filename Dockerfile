# Deskhand for amd64 and arm64. The steps themselves are scripts in docker/, so that they can be rehearsed without a
# container engine: docker/rehearse.sh runs the same ones in a plain Debian root.

FROM debian:trixie-slim AS build
WORKDIR /src
# OFF: runs on any amd64 machine with AVX2 and on any arm64 one. ON: faster, for the machine that builds it only.
ARG GGML_NATIVE=OFF
# More settings for llama.cpp's build, such as -DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod for a Raspberry Pi 5.
ARG CMAKE_ARGS=""
COPY requirements requirements
COPY docker/build.sh docker/build.sh
RUN sh docker/build.sh dependencies
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY training/phrases training/phrases
COPY tests/data/understanding tests/data/understanding
RUN sh docker/build.sh package

FROM debian:trixie-slim
COPY docker /opt/docker
RUN sh /opt/docker/runtime.sh
COPY --from=build /opt/deskhand /opt/deskhand
RUN sh /opt/docker/check.sh
# Settings here win over those of the file: inside the container the web server must listen on all its addresses, and
# at the port that the health check asks. Which of them the world may reach is decided where the port is published.
ENV PATH=/opt/deskhand/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    DESKHAND_WEB__HOST=0.0.0.0 \
    DESKHAND_WEB__PORT=8080
USER 10001:10001
# The default paths of the settings, such as data/deskhand.db, lead to the volume from here.
WORKDIR /
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["/opt/deskhand/bin/python", "-I", "/opt/docker/healthcheck.py"]
ENTRYPOINT ["deskhand"]
CMD ["run", "--config", "/data/config.toml"]
