// Reads an archive of the log with the Go team's own client of transparency logs (golang.org/x/mod/sumdb): opens the
// signed checkpoints, proves that one tree begins with the other, and that entries are in it. Prints what it found.
//
//	tlog FOLDER VKEY INDEX...
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func fail(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

type folder string

func (f folder) Height() int                      { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte)  {}
func (f folder) read(path string) ([]byte, error) { return os.ReadFile(filepath.Join(string(f), path)) }
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// The client names tiles by their height too; tlog-tiles has one height.
		bytes, err := f.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		found = append(found, bytes)
	}
	return found, nil
}

func (f folder) checkpoint(path string, verifiers note.Verifiers) tlog.Tree {
	bytes, err := f.read(path)
	fail(err)
	opened, err := note.Open(bytes, verifiers)
	fail(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	fail(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

func (f folder) entry(index, size int64) []byte {
	n := index / 256
	tile := tlog.Tile{H: height, L: -1, N: n, W: 256}
	if rest := size - n*256; rest < 256 {
		tile.W = int(rest)
	}
	bytes, err := f.read(strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1))
	fail(err)
	for i := int64(0); i < index%256; i++ {
		bytes = bytes[2+binary.BigEndian.Uint16(bytes):]
	}
	return bytes[2 : 2+binary.BigEndian.Uint16(bytes)]
}

func main() {
	f := folder(os.Args[1])
	verifier, err := note.NewVerifier(os.Args[2])
	fail(err)
	verifiers := note.VerifierList(verifier)
	tree := f.checkpoint("checkpoint", verifiers)
	hashes := tlog.TileHashReader(tree, f)

	names, err := os.ReadDir(filepath.Join(string(f), "checkpoints"))
	fail(err)
	sort.Slice(names, func(i, j int) bool { return names[i].Name() < names[j].Name() })
	for _, name := range names {
		older := f.checkpoint("checkpoints/"+name.Name(), verifiers)
		proof, err := tlog.ProveTree(tree.N, older.N, hashes)
		fail(err)
		fail(tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash))
	}
	for _, text := range os.Args[3:] {
		index, err := strconv.ParseInt(text, 10, 64)
		fail(err)
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		fail(err)
		fail(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(f.entry(index, tree.N))))
	}
	fmt.Printf("whole: %d entries, %d checkpoints, %d proofs\n", tree.N, len(names), len(os.Args)-3)
}
