# Runs before every command of the image, the overridden commands of Dagster's runs too: it puts what comes from outside
# the image into /tmp, the only writable folder, and then becomes the command.
set -eu
umask 077
if [ -n "${PSP_DATABASE_CA_PEM:-}" ]; then
  printf '%s\n' "$PSP_DATABASE_CA_PEM" >"$PGSSLROOTCERT"
fi
if [ -n "${PSP_DAGSTER_YAML:-}" ]; then
  mkdir -p "$DAGSTER_HOME"
  printf '%s' "$PSP_DAGSTER_YAML" >"$DAGSTER_HOME/dagster.yaml"
fi
exec "$@"
