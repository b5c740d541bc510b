#!/bin/sh
# Runs a program as a container would: a file system of its own, of which nothing can be written, no capabilities.
# usage: unshare -m enter-container.sh NEWROOT NODE UID GROUPS SOURCE=TARGET... -- ARGUMENTS OF NODE
# Everything that is mounted here ends with the program.
set -eu
root=$1 node=$2 user=$3 groups=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"
for name in bin lib lib64 sbin; do
  if [ -L "/$name" ]; then ln -s "$(readlink "/$name")" "$root/$name"
  elif [ -d "/$name" ]; then mkdir "$root/$name" && mount --bind "/$name" "$root/$name"; fi
done
mkdir "$root/usr" "$root/dev" "$root/proc" "$root/etc"
mount --bind /usr "$root/usr"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
for name in ld.so.cache nsswitch.conf hosts resolv.conf; do
  if [ -e "/etc/$name" ]; then cat "/etc/$name" >"$root/etc/$name"; fi
done
: >"$root/node"
mount --bind "$node" "$root/node"
while [ "$1" != -- ]; do
  source=${1%%=*} target=$root${1#*=}
  mkdir -p "$target"
  mount --bind "$source" "$target"
  mount -o remount,bind,ro "$target"
  shift
done
shift
mount -o remount,bind,ro "$root/usr"
mount -o remount,ro "$root"
cd /
if [ "$groups" = none ]; then set -- --reuid "$user" --regid "$user" --clear-groups -- /node "$@"
else set -- --reuid "$user" --regid "$user" --groups "$groups" -- /node "$@"; fi
exec chroot "$root" /usr/bin/setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
