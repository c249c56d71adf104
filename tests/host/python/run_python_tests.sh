#!/usr/bin/env bash
# Installs the Python package from the tree into an environment of its own, and runs its tests.
#   run_python_tests.sh TREE PROGRAM FOLDER
# Exit status 77, which ctest takes for skipped, where Python's packages cannot be fetched.
set -euo pipefail
tree=$1 program=$2 folder=$3
python=$folder/bin/python
[[ -x $python ]] || python3 -m venv "$folder"
if ! "$python" -c 'import pandas' 2>/dev/null &&
  ! "$python" -m pip install --quiet --disable-pip-version-check pandas==2.2.3 setuptools==75.6.0 wheel==0.45.1; then
  echo "skipped: pandas is neither here nor can it be fetched"
  exit 77
fi
"$python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall "$tree/host/python"
cd "$folder"  # not beside the package's sources
CORANK=$program exec "$python" "$tree/tests/host/python/python_package_test.py" "$tree"
