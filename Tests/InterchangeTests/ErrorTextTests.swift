import Foundation
import Interchange
import Testing

/// What people read when something is wrong, word for word.
@Suite struct ErrorTextTests {
  let folder = TestFolder()

  private struct Configuration: Codable {
    struct Layer: Codable { var hidden: Int }
    var layers: [Layer]
  }

  private func text(_ body: () throws(UnrollError) -> Void) -> String {
    (failure(body)?.description ?? "").replacing(folder.path + "/", with: "")
  }

  private func read(_ bytes: [UInt8]) -> String {
    let path = folder.file("w.safetensors", bytes)
    return text { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
  }

  private func json(_ content: String) -> String {
    let path = folder.file("config.json", Array(content.utf8))
    return text { () throws(UnrollError) in _ = try StrictJSON.read(Configuration.self, from: path) }
  }

  @Test func safeTensors() throws {
    #expect(
      read([]) == """
        the file has 0 bytes; a safetensors file has 8 or more
          at w.safetensors

        hint: the file was cut: copy it again, or use an older one
        """)
    #expect(
      read(safeTensorsFile("{}", length: 1 << 40)) == """
        the header is said to have 1099511627776 bytes; at most 16777216 are read
          at w.safetensors:byte 0

        hint: is this a safetensors file?
        """)
    #expect(
      read(safeTensorsFile("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", data: 4)) == """
        tensor `a` has dtype `BF16`; only F32 is read
          at w.safetensors:byte 13

        hint: convert the file in Python: save_file({k: v.float() for k, v in load_file(old).items()}, new)
        """)
    #expect(
      read(safeTensorsFile("{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", data: 20)) == """
        the header tells of 24 bytes of data, the file has 20
          at w.safetensors

        hint: the file was cut: copy it again, or use an older one
        """)
    #expect(
      read(safeTensorsFile("{\"a\":{},\"a\":{}}")) == """
        tensor `a` lacks a dtype, a shape or two data offsets
          at w.safetensors:byte 13

        hint: the file is damaged or was written wrongly: write it again, or use an older one
        """)
    #expect(
      read(safeTensorsFile("{\"__metadata__\":{\"format\":\"unroll\",\"version\":\"7\"}}")) == """
        the file is of version 7; this program knows 1
          at w.safetensors

        hint: use a newer version of this program
        """)
    try SafeTensors(tensors: [("lstm.weight", .ones([2, 2]))]).write(to: folder.file("w"))
    var damaged = bytes(of: folder.file("w"))
    damaged[damaged.count - 1] ^= 1
    #expect(
      read(damaged) == """
        tensor `lstm.weight` does not fit its checksum: the file was damaged or changed after it was written
          at w.safetensors

        hint: copy the file again or use an older one; if a program changed it on purpose, let it drop the metadata
        """)
  }

  @Test func json() {
    #expect(
      json("{\n  \"layers\": [\n    {\"hidden\": 1},\n    {\"hidden\": \"2\"}\n  ]\n}") == """
        `layers[1].hidden` is not a whole number that fits Int
          at config.json:4:16

        hint: put a whole number that fits Int there
        """)
    #expect(
      json("{\n  \"layers\": [{\"hiden\": 1}]\n}") == """
        the key `hidden` is missing
          at config.json:2:14

        hint: add `"hidden": …`
        """)
    #expect(
      json("{\"layers\": [],\n \"layers\": []}") == """
        the key `layers` is there twice
          at config.json:2:2

        hint: keep one of the two
        """)
    #expect(
      json("{\"layers\": [{\"hidden\": 1}}") == """
        a comma or `]` was expected
          at config.json:1:26

        hint: correct the text there; any editor that knows JSON shows the place
        """)
    #expect(
      json("{\"layers\": [{\"hidden\": 1e99}]}") == """
        the value cannot be read: a number is too large, or has a fraction where a whole number belongs
          at config.json:1:1

        hint: mend or remove the value
        """)
  }

  @Test func files() {
    #expect(
      text { () throws(UnrollError) in _ = try FileAccess.read(from: folder.file("no"), limit: 1) } == """
        the file is not there
          at no

        hint: check the spelling of the path
        """)
    #expect(
      text { () throws(UnrollError) in try AtomicFile.write(Data(), to: folder.file("my runs/1/w")) } == """
        the file cannot be written: its folder is not there
          at my runs/1/w

        hint: mkdir -p 'my runs/1'
        """)
    #expect(
      text { () throws(UnrollError) in try AtomicFile.write(Data(), to: folder.path + "/") } == """
        this is a folder, not a file
          at 

        hint: name a file inside it
        """)
  }
}
