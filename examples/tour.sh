#!/usr/bin/env bash
# The tour of README.md, for real: starts a server on a free port and an empty data directory, runs each command, prints it
# and what it answers, kills the server with SIGKILL in the middle of a copy, and starts it again.
# Needs the `openstack` and `cinder` clients on the PATH (tests/clients/requirements.txt).
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
export SCORIA_DATA_DIR=$work/data SCORIA_PORT
SCORIA_PORT=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
sed "s/127.0.0.1:8776/127.0.0.1:$SCORIA_PORT/" examples/clouds.yaml > "$work/clouds.yaml"
export OS_CLIENT_CONFIG_FILE=$work/clouds.yaml
. examples/clients.sh

serve() {
  npm start >> "$work/server.log" 2>&1 &
  for _ in $(seq 100); do
    curl -fs "http://127.0.0.1:$SCORIA_PORT/readyz" > "$work/ready" 2> /dev/null && return
    sleep 0.2
  done
  cat "$work/server.log" && return 1
}
server() { cat "$SCORIA_DATA_DIR/lock.pid"; }
finish() {
  kill "$(server)" 2> /dev/null || true
  wait || true
  rm -rf "$work"
}
trap finish EXIT

# The port and the directory as a reader has them.
as_printed() { sed -e "s/127.0.0.1:$SCORIA_PORT/127.0.0.1:8776/g" -e "s#$SCORIA_DATA_DIR#data#g"; }
show() {
  printf '\n$ %s\n' "$1" | as_printed
  { eval "$1" 2>&1 || true; } | as_printed
}
# Waits until every volume is what a client waits for.
settle() {
  local statuses
  for _ in $(seq 100); do
    statuses=$(openstack volume list -f value -c Status) || continue
    [[ $statuses == *creating* || $statuses == *extending* ]] || return 0
    sleep 0.2
  done
}

serve
show 'openstack volume create --size 1 one -c id -c name -c size -c status'
show 'openstack volume list'
show 'openstack volume set --size 2 --property tier=gold one'
settle
show 'openstack volume show one -c size -c status -c properties -c os-vol-host-attr:host'
show 'openstack volume snapshot create --volume one one-snap -c id -c size -c status'
show 'openstack volume create --snapshot one-snap --size 3 from-snap -f value -c status'
show 'openstack volume create --source one clone -f value -c status'
settle
show 'openstack volume list'

show 'openstack volume transfer request create clone -c id -c auth_key' | tee "$work/offer"
id=$(awk '$2 == "id" { print $4 }' "$work/offer") key=$(awk '$2 == "auth_key" { print $4 }' "$work/offer")
show "openstack --os-cloud other volume transfer request accept --auth-key $key $id -f value -c volume_id"
show 'openstack --os-cloud other volume list'

show 'cinder quota-update --volumes 2 demo > /dev/null'
show 'openstack volume create --size 1 too-many'
show 'cinder quota-usage demo | grep -E "Type|volumes|gigabytes "'

show 'openstack volume type create --property volume_backend_name=tape tape -f value -c name'
show 'cinder quota-update --volumes 10 demo > /dev/null'
show 'openstack volume create --size 1 --type tape lost -f value -c status'
settle
show 'openstack volume show lost -f value -c status'
show 'scoria operations list --status failed'

volume=$(openstack volume show one -f value -c id)
show "dd if=/dev/urandom of=$SCORIA_DATA_DIR/backends/file/pool/volumes/volume-$volume bs=1M count=2048 conv=notrunc status=none"
show 'openstack volume create --source one big -f value -c id -c status; kill -9 $(cat '"$SCORIA_DATA_DIR"'/lock.pid)'
show 'scoria operations list --status running'
operation=$(scoria operations list --status running --json | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8"))[0]?.id')
printf '\n$ npm start\n'
serve
settle
show 'openstack volume show big -c size -c status'
show "scoria operations show $operation"

show "scoria events list --stream volume-$volume | cut -c 1-140"
show 'scoria events verify'
