#!/bin/sh
# Builds a real llama-server, CPU only, from the llama.cpp sources that ship inside a Python package, and prints its
# path. Takes 10 to 20 minutes on two cores once; a later run answers from the cache. Needs pip, cmake, ninja and a
# C++ compiler. `make test-real` runs the product against it; nothing else needs it.
set -eu

version=0.3.36
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${SWITCHYARD_REAL_CACHE:-$root/.switchyard-real}/llama-server
binary=$cache/$version/llama-server

if [ -x "$binary" ]; then
  echo "$binary"
  exit 0
fi

for tool in python3 cmake ninja c++ sha256sum tar; do
  command -v "$tool" >/dev/null || {
    echo "build-llama-server: $tool is not installed: install python3 with pip, cmake, ninja-build and g++." >&2
    exit 69
  }
done

archive=$cache/src/llama_cpp_python-$version.tar.gz
mkdir -p "$cache/src" "$cache/$version"
if [ ! -f "$archive" ]; then
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --dest "$cache/src" "llama-cpp-python==$version" >&2
fi
echo "$sha256  $archive" | sha256sum --check --quiet >&2 || {
  echo "build-llama-server: $archive is not what was reviewed: delete it and run again." >&2
  exit 65
}

sources=$cache/src/llama_cpp_python-$version/vendor/llama.cpp
[ -d "$sources" ] || tar -xzf "$archive" -C "$cache/src"

# The sources hold no built web page, and the build would otherwise fetch one; TLS is not ours to test either.
nice -n 10 cmake -S "$sources" -B "$cache/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
  -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF \
  -DLLAMA_BUILD_NUMBER=0 -DGGML_CCACHE=OFF >&2
nice -n 10 cmake --build "$cache/build" --target llama-server -j "${JOBS:-2}" >&2

cp "$cache/build/bin/llama-server" "$binary.new"
mv "$binary.new" "$binary"
# The binary stands alone; what it was made of is a gigabyte that a next version would not use.
rm -rf "$cache/build" "$cache/src/llama_cpp_python-$version"
echo "$binary"
