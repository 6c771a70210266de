using System.Buffers.Binary;
using System.IO.Compression;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class CompressedModelTests : IDisposable
{
    private const int TrailerBytes = 40;
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void The_file_is_the_model_in_Brotli_its_length_and_its_digest()
    {
        byte[] model = File.ReadAllBytes(place.ModelPath);

        byte[] file = File.ReadAllBytes(Compress("a.br"));

        using BrotliStream decoder = new(new MemoryStream(file), CompressionMode.Decompress);
        using MemoryStream decoded = new();
        decoder.CopyTo(decoded);
        CollectionAssert.AreEqual(model, decoded.ToArray());
        Assert.AreEqual(model.Length, BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan()[^TrailerBytes..]));
        Assert.AreEqual(ContentDigest.OfFile(place.ModelPath), Convert.ToHexStringLower(file.AsSpan()[^32..]));
    }

    [TestMethod]
    public void The_same_model_gives_the_same_bytes() =>
        CollectionAssert.AreEqual(File.ReadAllBytes(Compress("a.br")), File.ReadAllBytes(Compress("b.br")));

    [TestMethod]
    public void It_can_be_measured_without_writing_it() =>
        Assert.AreEqual(new FileInfo(Compress("a.br")).Length - TrailerBytes, CompressedModel.Measure([place.ModelPath], isForShipping: true, default));

    [TestMethod]
    public void What_is_measured_in_short_is_no_less_than_what_ships() => Assert.IsGreaterThanOrEqualTo(
        CompressedModel.Measure([place.ModelPath], isForShipping: true, default), CompressedModel.Measure([place.ModelPath], isForShipping: false, default));

    [TestMethod]
    public void It_is_restored_to_the_byte()
    {
        CompressedModel.Restore(Compress("a.br"), place["restored.onnx"]);

        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(place["restored.onnx"]));
    }

    [TestMethod]
    public void Bytes_that_are_no_Brotli_are_refused()
    {
        File.WriteAllBytes(place["a.br"], [.. Enumerable.Repeat((byte)0xff, 100)]);

        Assert.ThrowsExactly<ModelFormatException>(() => CompressedModel.Restore(place["a.br"], place["restored.onnx"]));
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(10)]
    public void A_file_that_ends_early_is_refused(int length)
    {
        File.WriteAllBytes(place["a.br"], File.ReadAllBytes(Compress("a.br"))[..length]);

        Assert.ThrowsExactly<ModelFormatException>(() => CompressedModel.Restore(place["a.br"], place["restored.onnx"]));
    }

    [TestMethod]
    public void No_more_is_restored_than_the_file_tells_of()
    {
        byte[] file = File.ReadAllBytes(Compress("a.br"));
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan()[^TrailerBytes..], 8);
        File.WriteAllBytes(place["a.br"], file);

        Assert.ThrowsExactly<ModelFormatException>(() => CompressedModel.Restore(place["a.br"], place["restored.onnx"]));
        Assert.AreEqual(8, new FileInfo(place["restored.onnx"]).Length);
    }

    private string Compress(string name)
    {
        CompressedModel.Write(place.ModelPath, ContentDigest.OfFile(place.ModelPath), place[name], new Progress<PipelineProgress>(), default);
        return place[name];
    }
}
