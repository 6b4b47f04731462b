package mmap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Grant makes the file one that its owner and these users can read and write, and nobody
// else, in one step and whatever it was before; as long as the owner does not change it.
// That is done by an access control list, which needs no privilege, or without users by
// mode 0600. Only the owner of a file and root can do it. ErrUnsupported: the filesystem
// has no such lists.
func (f *File) Grant(users ...uint32) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return f.closed("grant access to")
	}
	if len(users) == 0 {
		return chmodExact(f.fd, f.path, 0o600)
	}
	err := retry(func() error { return unix.Fsetxattr(f.fd, accessName, accessList(users), 0) })
	if err == unix.EOPNOTSUPP {
		err = cause{"its filesystem has no access control lists; use a tmpfs", ErrUnsupported, err}
		return fmt.Errorf("mmap: grant access to %s: %w", f.path, err)
	}
	if err != nil {
		return failure("grant access to", f.path, err)
	}
	return nil
}

// GrantedOnly says whether nobody but the file's owner and, by a list as [File.Grant] makes
// it, these users can write the file. Root can whatever files say, and so can whoever had
// the file open when that was otherwise.
func (f *File) GrantedOnly(users ...uint32) (bool, error) {
	i, err := f.Stat() // of a file with a list, the mode shows what others than the owner can do at most
	if err != nil {
		return false, err
	}
	if i.Mode&0o022 == 0 {
		return true, nil
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return false, f.closed("read the access list of")
	}
	want := accessList(users)
	got := make([]byte, len(want)+1)
	n := 0
	err = retry(func() (err error) {
		n, err = unix.Fgetxattr(f.fd, accessName, got)
		return err
	})
	switch err {
	case nil:
		return bytes.Equal(got[:n], want), nil
	case unix.ERANGE, unix.ENODATA, unix.EOPNOTSUPP: // longer, or there is none
		return false, nil
	}
	return false, failure("read the access list of", f.path, err)
}

// accessName is the attribute that is a file's access control list.
const accessName = "system.posix_acl_access"

// accessList is a list by which the owner and users may read and write. Its format is
// that of linux/posix_acl_xattr.h: a version, and entries of tag, permissions and id, by
// tag. The mode shows what the mask allows in the place of what the group may do.
func accessList(users []uint32) []byte {
	const (
		version               = 2
		userObj, user         = 0x01, 0x02
		groupObj, mask, other = 0x04, 0x10, 0x20
		none                  = 0xFFFFFFFF
		readWrite             = 6
	)
	acl := binary.LittleEndian.AppendUint32(nil, version)
	add := func(tag, perm uint16, id uint32) {
		acl = binary.LittleEndian.AppendUint16(acl, tag)
		acl = binary.LittleEndian.AppendUint16(acl, perm)
		acl = binary.LittleEndian.AppendUint32(acl, id)
	}
	add(userObj, readWrite, none)
	users = slices.Clone(users)
	slices.Sort(users) // the kernel takes the list in order only
	for _, id := range slices.Compact(users) {
		add(user, readWrite, id)
	}
	add(groupObj, 0, none)
	add(mask, readWrite, none)
	add(other, 0, none)
	return acl
}
