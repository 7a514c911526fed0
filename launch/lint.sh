#!/usr/bin/env bash
# Format (clang-format), bugs and names (clang-tidy), scripts (shellcheck), functions whose bits depend on the CPU, the
# direction of includes, what messages call options. Changes nothing; fails if there is anything to say. To apply the format:
# git ls-files '*.cpp' '*.hpp' | xargs clang-format -i
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

launch/setup.sh --tests --lint
failed=0

echo "lint: shellcheck"
shellcheck --external-sources launch/*.sh tests/*/*.sh .ci/run || failed=1

echo "lint: clang-format"
# Not by --dry-run, which objects to the closing comments of inline namespaces that clang-format itself writes.
# shellcheck disable=SC2016  # $0 is that shell's
find src include tests -name '*.[ch]pp' -print0 | xargs -0 -r -n 1 -P "$(nproc)" bash -c \
  'clang-format "$0" | cmp --silent - "$0" || { echo "$0: not formatted" >&2 && exit 1; }' || failed=1

echo "lint: functions of the C library, whose bits depend on the CPU"
! grep -rnE 'std::(a?(sin|cos|tan)h?|atan2|exp2?|expm1|log(2|10|1p)?|pow|erfc?|[lt]gamma|cbrt|hypot)\b' --include='*.[ch]pp' src include |
  grep -vE '^src/(report|study|bench)/' || failed=1

echo "lint: includes"
python3 -B launch/check_includes.py || failed=1

echo "lint: keys"
python3 -B launch/check_keys.py || failed=1

# Many sources are compiled twice, in float and in double, and clang-tidy would check them for each: keep the first of the
# entries of a file. CMake writes one member a line.
echo "lint: clang-tidy"
cmake --preset lint --log-level=WARNING >/dev/null
mkdir -p build/lint/commands
awk '/^\{/ { entry = ""; next }
     /^\}/ { if (!(file in seen)) { printf "%s{\n%s}", separator, entry; separator = ",\n"; seen[file] = 1 } next }
     /^ / { entry = entry $0 "\n"; if ($1 == "\"file\":") file = $2 }
     BEGIN { print "[" } END { print "\n]" }' build/lint/compile_commands.json >build/lint/commands/compile_commands.json
# What clang-tidy says of a file depends on its command, its preprocessed text and the checks: a file once found clean is known
# again by their digest. The file is the last word of its command.
# shellcheck disable=SC2317  # it is xargs that calls this
tidy() {
  local file=${1##* } digest
  digest=$({ clang-tidy --version && cat .clang-tidy tests/.clang-tidy && echo "$1" && eval "${1% -o *} -E -C '$file'"; } |
    sha256sum | cut -d ' ' -f 1)
  [[ -e build/lint/$digest ]] && return
  clang-tidy --quiet -p build/lint/commands --extra-arg=-Wno-unknown-warning-option "$file" && touch "build/lint/$digest"
}
export -f tidy
# shellcheck disable=SC2016  # $0 is that shell's
sed -n 's/^ *"command": "\(.*\)",$/\1/p' build/lint/commands/compile_commands.json | sed 's/\\\(.\)/\1/g' | tr '\n' '\0' |
  xargs -0 -r -n 1 -P "$(nproc)" bash -c 'tidy "$0"' || failed=1

((failed == 0)) && echo "lint: clean"
exit "$failed"
