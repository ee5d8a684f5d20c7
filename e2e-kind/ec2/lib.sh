# shellcheck shell=bash disable=SC2034 # the scripts that read this use them
# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share: settings, words, and the instance's state file.
# The scripts need the AWS command line with credentials, and write only to the folder they are given.

# Every instance of ours has this tag; the reaper goes by it.
EC2_TAG_KEY=podresctrl-e2e
EC2_REGIONS=${EC2_REGIONS:-us-east-2 us-west-2 us-east-1 eu-west-1}
EC2_INSTANCE_TYPE=${EC2_INSTANCE_TYPE:-m7i.metal-24xl}
EC2_MAX_PRICE=${EC2_MAX_PRICE:-3.00}           # USD an hour; spot instances dearer than this are not taken
EC2_LIFETIME_MIN=${EC2_LIFETIME_MIN:-75}       # the instance ends itself after this, whoever forgot it
EC2_BOOT_TIMEOUT_S=${EC2_BOOT_TIMEOUT_S:-1200} # bare metal takes its time
EC2_LOGIN_TIMEOUT_S=${EC2_LOGIN_TIMEOUT_S:-300} # from the Systems Manager's first sign to our key
EC2_POLL_S=${EC2_POLL_S:-10}

say() { printf '%s\n' "ec2: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# load_instance DIR: sets region and instance from the state that `start` left there.
load_instance() {
  [ -s "$1/region" ] && [ -s "$1/instance" ] || return 1
  region=$(<"$1/region")
  instance=$(<"$1/instance")
}

# terminate REGION INSTANCE...
terminate() {
  local where=$1
  shift
  aws ec2 terminate-instances --region "$where" --instance-ids "$@" --output text >&2
}
