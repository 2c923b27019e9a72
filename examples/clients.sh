# Source this: `. examples/clients.sh`. Points the real clients at a Scoria on this machine, as project `demo`.
_examples=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")" && pwd)
export OS_CLIENT_CONFIG_FILE=${OS_CLIENT_CONFIG_FILE:-$_examples/clouds.yaml} OS_CLOUD=${OS_CLOUD:-demo}

# The cinder client takes its settings from the environment, and the openstack client must not see them.
cinder() {
  OS_AUTH_TYPE=noauth OS_USER_ID=admin OS_PROJECT_ID=$OS_CLOUD \
    CINDER_ENDPOINT=http://127.0.0.1:${SCORIA_PORT:-8776}/v3 command cinder "$@"
}

scoria() {
  npm run --silent --prefix "$_examples/.." scoria -- "$@"
}
