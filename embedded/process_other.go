//go:build !linux

package embedded

import (
	"os/exec"
	"syscall"
)

// Other systems do not tell a child that its parent has died: after a kill -9
// the next start finds and stops it.
func dieWithParent(cmd *exec.Cmd, user *syscall.Credential) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: user}
}
