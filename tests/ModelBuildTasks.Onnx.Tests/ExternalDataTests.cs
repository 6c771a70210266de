using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

[TestClass]
public sealed class ExternalDataTests : IDisposable
{
    private readonly string outside;
    private readonly string folder;

    public ExternalDataTests()
    {
        outside = Directory.CreateTempSubdirectory("onnx-external-").FullName;
        folder = Path.Combine(outside, "model");
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "weights.bin"), Bytes(1, 2, 3));
        File.WriteAllBytes(Path.Combine(outside, "secret.bin"), Bytes(7, 8, 9));
    }

    public void Dispose() => Directory.Delete(outside, recursive: true);

    [TestMethod]
    public void Reads_weights_beside_the_model()
    {
        Model model = Load(("location", "weights.bin"), ("offset", "4"), ("length", "8"));

        CollectionAssert.AreEqual(new[] { 2f, 3f }, model.Graph.Find("w")!.Initializer!.ToSingles());
    }

    [TestMethod]
    public void Writes_external_weights_inside_the_saved_model()
    {
        string saved = Path.Combine(outside, "saved.onnx");
        Load(("location", "weights.bin"), ("offset", "0")).Save(saved);

        CollectionAssert.AreEqual(new[] { 1f, 2f }, Model.Load(saved).Graph.Find("w")!.Initializer!.ToSingles());
    }

    [TestMethod]
    [DataRow("../secret.bin")]
    [DataRow("sub/../../secret.bin")]
    [DataRow("missing.bin")]
    [DataRow(".")]
    [DataRow("")]
    [DataRow("a\0b")]
    public void Refuses_locations_outside_the_folder_and_missing_files(string location) => AssertRefused(("location", location));

    [TestMethod]
    public void Refuses_absolute_locations() => AssertRefused(("location", Path.Combine(folder, "weights.bin")));

    [TestMethod]
    [DataRow("8", "8")]
    [DataRow("9223372036854775807", "8")]
    [DataRow("-4", "8")]
    [DataRow("0", "4")]
    [DataRow("0", "many")]
    public void Refuses_offsets_and_lengths_that_do_not_fit(string offset, string length) =>
        AssertRefused(("location", "weights.bin"), ("offset", offset), ("length", length));

    [TestMethod]
    public void Refuses_a_link_out_of_the_folder()
    {
        Link(Path.Combine(folder, "link.bin"), Path.Combine(outside, "secret.bin"));

        AssertRefused(("location", "link.bin"));
    }

    [TestMethod]
    public void Refuses_a_link_that_leaves_through_another_link()
    {
        Directory.CreateSymbolicLink(Path.Combine(folder, "up"), outside);
        Link(Path.Combine(folder, "link.bin"), Path.Combine("up", "secret.bin"));

        AssertRefused(("location", "link.bin"));
    }

    [TestMethod]
    public void Refuses_a_link_to_itself()
    {
        Link(Path.Combine(folder, "loop.bin"), "loop.bin");

        AssertRefused(("location", "loop.bin"));
    }

    [TestMethod]
    public void Accepts_a_link_inside_a_folder_that_is_itself_reached_by_a_link()
    {
        Link(Path.Combine(folder, "link.bin"), Path.Combine(folder, "weights.bin"));
        string alias = Path.Combine(outside, "alias");
        Directory.CreateSymbolicLink(alias, folder);
        Write(("location", "link.bin"));

        CollectionAssert.AreEqual(new[] { 1f, 2f }, Model.Load(Path.Combine(alias, "model.onnx")).Graph.Find("w")!.Initializer!.ToSingles());
    }

    [TestMethod]
    public void Refuses_external_data_where_there_is_no_folder()
    {
        byte[] bytes = File.ReadAllBytes(Write(("location", "weights.bin")));

        Assert.AreEqual(ModelFormatError.ExternalData, Assert.ThrowsExactly<ModelFormatException>(() => Model.Parse(bytes)).Error);
    }

    private static byte[] Bytes(params float[] values) => System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();

    private static void Link(string path, string target) => File.CreateSymbolicLink(path, target);

    private void AssertRefused(params (string Key, string Value)[] entries) =>
        Assert.AreEqual(ModelFormatError.ExternalData, Assert.ThrowsExactly<ModelFormatException>(() => Load(entries)).Error);

    private Model Load(params (string Key, string Value)[] entries) => Model.Load(Write(entries));

    private string Write(params (string Key, string Value)[] entries)
    {
        TensorProto tensor = new() { Name = "w", DataType = 1, DataLocation = 1 };
        tensor.Dims.Add(2);
        tensor.ExternalData.AddRange(entries.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value }));
        ModelProto model = Protos.Model(Protos.Node("Add", ["x", "w"], "y"));
        model.Graph.Initializer.Add(tensor);
        string path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, model.ToByteArray());
        return path;
    }
}
