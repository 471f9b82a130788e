#!/bin/sh
# A Docker engine in namespaces of its own: mounts, network, processes. Nothing of it is left on this machine when it
# has ended: no rule of iptables, no bridge, no mount, no process. It runs as long as this script's input is open, so it
# also ends when whoever started it is killed.
#
#   own-engine.sh FOLDER PROJECT NETWORK keep|remove
#
# FOLDER/root is the file system of the engine and its tools. FOLDER/data keeps its images, volumes and containers.
# FOLDER/pid appears when the engine is to be waited for: a process to enter the namespaces by. FOLDER/log has what it
# says. PROJECT is seen in there under its own path. NETWORK are the first three numbers of an address: .1 is this
# machine and .2 the engine, whose published ports are reached there. The last word tells what becomes of FOLDER.
set -eu

inside() {
  folder=$1 project=$2
  root=$folder/root
  # /proc is still the one of this machine: the number is that of everybody outside.
  read -r outside_pid _ < /proc/self/stat
  mount --make-rprivate /
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=0755 tmpfs "$root/run"
  for path in "$folder" "$project"; do
    mkdir -p "$root$path"
    mount --bind "$path" "$root$path"
  done
  cd "$root"
  mkdir -p mnt/old
  # dockerd makes mounts private from the root of its file system on: a plain chroot has no mount there.
  pivot_root . mnt/old
  cd /
  umount -l /mnt/old
  # slirp4netns answers here, and asks whom this machine asks.
  echo "nameserver 10.0.2.3" > /etc/resolv.conf
  ip link set lo up
  echo "$outside_pid" > "$folder/inside"
  while [ ! -e "$folder/network" ]; do sleep 0.05; done
  dockerd --data-root "$folder/data" --exec-root /run/docker -H unix:///var/run/docker.sock \
    --pidfile /run/docker.pid --cgroup-parent "/$(basename "$folder")" > "$folder/log" 2>&1 &
  dockerd=$!
  trap 'kill "$dockerd"' TERM
  echo "$outside_pid" > "$folder/pid"
  # The first wait ends with the signal, the second with the engine.
  wait "$dockerd" || wait "$dockerd" || true
}

# Tools of the engine's file system that work on the network of this machine.
tools='mount --rbind /proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"'
with_tools() { unshare --mount sh -c "$tools" "$folder/root" "$@"; }

if [ "$1" = inside ]; then
  shift
  inside "$@"
  exit
fi

folder=$1 project=$2 network=$3 fate=$4
name=$(basename "$folder")
slirp="" init="" unshare=""
rm -f "$folder/pid" "$folder/inside" "$folder/network"
finish() {
  tries=0
  [ -z "$init" ] || kill -TERM "$init" 2> /dev/null || true
  while kill -0 "$unshare" 2> /dev/null && [ $tries -lt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$unshare" 2> /dev/null || true
  wait "$unshare" 2> /dev/null || true
  [ -z "$slirp" ] || kill "$slirp" 2> /dev/null || true
  rm -f "$folder/pid" "$folder/inside" "$folder/network"
  find /sys/fs/cgroup -depth -type d \( -path "*/$name" -o -path "*/$name/*" \) -exec rmdir {} + 2> /dev/null || true
  [ "$fate" = keep ] || rm -rf -- "$folder"
}
trap finish EXIT
trap 'exit 1' INT HUP TERM

unshare --mount --net --pid --ipc --uts --fork --kill-child -- "$0" inside "$folder" "$project" < /dev/null &
unshare=$!

tries=0
while [ ! -e "$folder/inside" ] && kill -0 "$unshare" 2> /dev/null && [ $tries -lt 200 ]; do
  sleep 0.05
  tries=$((tries + 1))
done
if [ -e "$folder/inside" ]; then
  read -r init < "$folder/inside"
  link="rinha${network##*.}"
  with_tools ip link add "$link" type veth peer name engine0 netns "$init"
  with_tools ip address add "$network.1/30" dev "$link"
  with_tools ip link set "$link" up
  nsenter --target "$init" --mount --net -- ip address add "$network.2/30" dev engine0
  nsenter --target "$init" --mount --net -- ip link set engine0 up
  # The way out, to registries and Debian's mirror, without a rule on this machine.
  unshare --mount sh -c "$tools" "$folder/root" slirp4netns --configure --mtu=65520 --disable-host-loopback \
    "$init" tap0 > /dev/null 2>&1 < /dev/null &
  slirp=$!
  : > "$folder/network"
  cat > /dev/null
fi
