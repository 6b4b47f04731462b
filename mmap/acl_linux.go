package mmap

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Grant lets one more user read and write the file, besides its owner: by an access
// control list, which needs no privilege. The group and others keep what the file's
// mode gives them.
func (f *File) Grant(uid uint32) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.open {
		return f.closed("grant access to")
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return failure("stat", f.path, err)
	}
	// The format of the attribute is that of linux/posix_acl_xattr.h: a version and
	// entries of tag, permissions and id, by tag.
	const (
		version               = 2
		userObj, user         = 0x01, 0x02
		groupObj, mask, other = 0x04, 0x10, 0x20
		none                  = 0xFFFFFFFF
	)
	acl := binary.LittleEndian.AppendUint32(nil, version)
	for _, e := range []struct {
		tag  uint16
		perm uint32
		id   uint32
	}{
		{userObj, st.Mode >> 6 & 7, none},
		{user, 6, uid},
		{groupObj, st.Mode >> 3 & 7, none},
		{mask, 6 | st.Mode>>3&7, none},
		{other, st.Mode & 7, none},
	} {
		acl = binary.LittleEndian.AppendUint16(acl, e.tag)
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e.perm))
		acl = binary.LittleEndian.AppendUint32(acl, e.id)
	}
	err := retry(func() error { return unix.Fsetxattr(f.fd, "system.posix_acl_access", acl, 0) })
	if err != nil {
		return failure("grant access to", f.path, err)
	}
	return nil
}
