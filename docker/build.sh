#!/bin/sh
# Builds /opt/deskhand, the virtual environment that the image runs. `dependencies` change seldom and take minutes,
# `package` takes seconds: the Dockerfile keeps them in layers of their own. docker/rehearse.sh runs them, too.
set -eu
export DEBIAN_FRONTEND=noninteractive
tools=/opt/tools
wheels=/opt/wheels
target=/opt/deskhand

pip() { "$tools/bin/python" -m pip --disable-pip-version-check --no-cache-dir -q "$@"; }
wheel() { pip wheel --no-build-isolation -w "$wheels" "$@"; }

dependencies() {
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends g++ python3-dev python3-venv >/dev/null
    python3 -m venv "$tools"
    pip install --require-hashes -r requirements/build.txt
    export PATH="$tools/bin:$PATH"
    echo "== llama.cpp (GGML_NATIVE=${GGML_NATIVE:=OFF} ${CMAKE_ARGS:=}) and what has wheels"
    parts="-DCMAKE_PROJECT_llama.cpp_INCLUDE=$PWD/requirements/llama.cmake"
    export CMAKE_ARGS="-DGGML_NATIVE=$GGML_NATIVE $parts $CMAKE_ARGS"
    wheel --require-hashes -r requirements/run.txt
    sqlite
}

# SQLite from source, the same on every machine: pysqlite3 has wheels for some only, and Debian's own SQLite may corrupt
# a WAL database (3.7.0 to 3.51.2).
sqlite() {
    echo "== SQLite"
    sources=$(mktemp -d)
    pip download --no-deps --no-build-isolation --no-binary :all: -d "$sources" \
        --require-hashes -r requirements/sqlite.txt
    for archive in "$sources"/*.tar.gz; do tar -xzf "$archive" -C "$sources"; done
    cp "$sources"/sqlcipher3-*/vendor/sqlite3.[ch] "$sources"/pysqlite3-*/
    rm -f "$wheels"/pysqlite3-*.whl
    # The directory's name is the only one here that ends in a slash.
    CFLAGS="-O2 -g0" wheel --no-deps "$sources"/pysqlite3-*/
    rm -r "$sources"
}

package() {
    echo "== Deskhand"
    wheel --no-deps .
    python3 -m venv --without-pip "$target"
    # What is installed is what was just built or checked against its hash; nothing is fetched any more.
    pip --python "$target/bin/python" install --no-deps --no-index "$wheels"/*.whl
    # llama.cpp's own install rules put a second copy of its libraries and its headers beside the package.
    rm -r "$target"/lib/python3*/site-packages/lib "$target"/lib/python3*/site-packages/include
}

"$1"
