#!/usr/bin/env bash
# Format (clang-format), bugs and names (clang-tidy), scripts (shellcheck). Changes nothing; fails if there is anything
# to say. To apply the format: git ls-files '*.cpp' '*.hpp' | xargs clang-format -i
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

launch/setup.sh --tests --lint
failed=0

echo "lint: shellcheck"
shellcheck --external-sources launch/*.sh .ci/run || failed=1

echo "lint: clang-format"
find src include tests -name '*.[ch]pp' -print0 | xargs -0 -r clang-format --dry-run -Werror || failed=1

# Every source is compiled twice, in float and in double, and clang-tidy would check it for each: keep the first of the
# entries of a file. CMake writes one member a line.
echo "lint: clang-tidy"
cmake --preset release -DBUILD_TESTING=ON --log-level=WARNING >/dev/null
mkdir -p build/lint
awk '/^\{/ { entry = ""; next }
     /^\}/ { if (!(file in seen)) { printf "%s{\n%s}", separator, entry; separator = ",\n"; seen[file] = 1 } next }
     /^ / { entry = entry $0 "\n"; if ($1 == "\"file\":") file = $2 }
     BEGIN { print "[" } END { print "\n]" }' build/release/compile_commands.json >build/lint/compile_commands.json
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/lint/compile_commands.json | tr '\n' '\0' |
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy --quiet -p build/lint --extra-arg=-Wno-unknown-warning-option || failed=1

((failed == 0)) && echo "lint: clean"
exit "$failed"
