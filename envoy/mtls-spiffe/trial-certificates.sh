#!/bin/sh
# Certificates to try envoy/mtls-spiffe.yaml with: an authority of the trust domain acme.com, the server's, and one for each
# SPIFFE id, named after its last part.
#   sh trial-certificates.sh FOLDER [SPIFFE-ID...]    default: spiffe://acme.com/ns/agents/sa/sre-agent
# Not for service: the keys are not protected, and everything is good for one day.
set -eu
folder=${1:?a folder}
shift
[ $# -gt 0 ] || set -- spiffe://acme.com/ns/agents/sa/sre-agent
mkdir -p "$folder"
cd "$folder"
umask 077
trap 'rm -f request.cnf request.csr' EXIT

# name, subjectAltName, basicConstraints, keyUsage
request() {
  printf '[req]\ndistinguished_name=name\nprompt=no\n[name]\nO=acme trial\n[extensions]\nsubjectAltName=%s\nbasicConstraints=critical,%s\nkeyUsage=critical,%s\n' \
    "$2" "$3" "$4" >request.cnf
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}
# name, subjectAltName
leaf() {
  request "$1" "$2" CA:FALSE digitalSignature
  openssl req -new -config request.cnf -key "$1.key" -out request.csr
  openssl x509 -req -in request.csr -CA ca.crt -CAkey ca.key -set_serial "$(date +%s)$$${#1}" -days 1 -sha256 \
    -extfile request.cnf -extensions extensions -out "$1.crt" 2>/dev/null
}

request ca URI:spiffe://acme.com CA:TRUE keyCertSign,cRLSign
openssl req -x509 -new -config request.cnf -extensions extensions -key ca.key -days 1 -sha256 -out ca.crt
leaf server 'DNS:localhost,IP:127.0.0.1,URI:spiffe://acme.com/ns/gateway/sa/envoy'
for id in "$@"; do leaf "${id##*/}" "URI:$id"; done
