"""A volume's life through openstacksdk; prints each step, and fails at the first that is not as it should be."""

import openstack


def connect(project):
    return openstack.connect(cloud=project)


def main():
    demo = connect("demo").block_storage
    other = connect("other").block_storage

    volume = demo.create_volume(name="sdk", size=1, metadata={"a": "b"})
    volume = demo.wait_for_status(volume, "available", interval=0.2, wait=60)
    print("  created", volume.id)

    demo.extend_volume(volume, 2)
    volume = demo.wait_for_status(demo.get_volume(volume.id), "available", interval=0.2, wait=60)
    assert volume.size == 2, volume.size

    snapshot = demo.create_snapshot(volume_id=volume.id, name="sdk-snap")
    snapshot = demo.wait_for_status(snapshot, "available", interval=0.2, wait=60)
    print("  snapshot", snapshot.id)

    clone = demo.create_volume(name="sdk-clone", size=2, snapshot_id=snapshot.id)
    clone = demo.wait_for_status(clone, "available", interval=0.2, wait=60)
    names = sorted(v.name for v in demo.volumes(details=True))
    assert names == ["sdk", "sdk-clone"], names

    demo.set_volume_metadata(volume, c="d")
    assert demo.get_volume_metadata(volume).metadata == {"a": "b", "c": "d"}

    transfer = demo.create_transfer(volume_id=clone.id, name="sdk-transfer")
    other.accept_transfer(transfer.id, transfer.auth_key)
    moved = other.get_volume(clone.id)
    assert moved.status == "available", moved.status
    print("  transferred", clone.id)

    demo.delete_snapshot(snapshot)
    demo.wait_for_delete(snapshot, interval=0.2, wait=60)
    demo.delete_volume(volume)
    other.delete_volume(moved)
    demo.wait_for_delete(volume, interval=0.2, wait=60)
    other.wait_for_delete(moved, interval=0.2, wait=60)
    assert list(demo.volumes()) == []
    print("  deleted")


main()
