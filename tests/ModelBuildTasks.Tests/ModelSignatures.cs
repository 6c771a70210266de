using ModelBuildTasks.Contracts.Protobuf;
using ModelBuildTasks.Signatures;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class ModelSignatures : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Reads_names_types_and_shapes()
    {
        var signature = Read(Model([Tensor("image", Float, "N", 1, null, 28)], [Tensor("scores", Integer64, 10)]));

        var image = signature.Inputs.Single();
        Assert.AreEqual(("image", Float), (image.Name, image.ElementType));
        CollectionAssert.AreEqual(
            new[] { new SignatureDimension(null, "N"), new SignatureDimension(1, null), new SignatureDimension(null, null), new SignatureDimension(28, null) }, image.Shape!.ToArray());
        Assert.AreEqual("scores", signature.Outputs.Single().Name);
    }

    [TestMethod]
    public void An_input_that_is_also_an_initializer_is_no_input()
    {
        var signature = Read(Model([Tensor("image", Float, 1), Tensor("weight", UInt8, 3)], [], Initializer("weight", [1, 2, 3])));

        Assert.AreEqual("image", signature.Inputs.Single().Name);
    }

    [TestMethod]
    public void A_model_in_ort_format_is_refused_with_the_reason()
    {
        var fault = Assert.ThrowsExactly<ProtobufException>(() => Read("\u0018\0\0\0ORTM\0\0\u000a\0"u8.ToArray()));

        StringAssert.Contains(fault.Message, "ORT format");
    }

    [TestMethod]
    public void An_unknown_rank_differs_from_a_scalar()
    {
        var signature = Read(Model([TensorOfAnyRank("any", Float), Tensor("scalar", Float)], []));

        Assert.IsNull(signature.Inputs[0].Shape);
        Assert.IsEmpty(signature.Inputs[1].Shape!);
    }

    [TestMethod]
    public void Minus_one_is_a_dynamic_size() =>
        Assert.IsNull(Read(Model([Tensor("x", Float, -1L)], [])).Inputs.Single().Shape!.Single().Size);

    [TestMethod]
    public void A_sequence_has_no_element_type() => Assert.AreEqual(0, Read(Model([Sequence("x")], [])).Inputs.Single().ElementType);

    [TestMethod]
    [DataRow("")]
    [DataRow("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")]
    [DataRow("<html><body>404</body></html>")]
    [DataRow("PK\u0003\u0004 a zip file")]
    public void Other_files_are_not_onnx(string content)
    {
        var exception = Assert.ThrowsExactly<ProtobufException>(() => Read(System.Text.Encoding.UTF8.GetBytes(content)));

        Assert.IsFalse(exception.IsTruncated);
    }

    [TestMethod]
    public void A_model_cut_anywhere_is_refused_and_never_misread()
    {
        var model = Model([Tensor("image", Float, "N", 1, 28, 28)], [Tensor("scores", Float, 10)], Initializer("w", new byte[300]));
        var start = Number(1, 8).Length;

        for (var length = start + 1; length < model.Length; length++)
        {
            var cut = model[..length];
            // Between two fields of the model message the rest is simply absent, which is then "no graph".
            Assert.ThrowsExactly<ProtobufException>(() => Read(cut), $"cut to {length} bytes");
        }
    }

    [TestMethod]
    public void A_declared_length_of_terabytes_allocates_nothing()
    {
        byte[] model = [.. Number(1, 8), 0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];

        Assert.IsTrue(Assert.ThrowsExactly<ProtobufException>(() => Read(model)).IsTruncated);
    }

    [TestMethod]
    public void Random_bytes_end_in_a_refusal()
    {
        var random = new Random(1);
        for (var i = 0; i < 300; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            Assert.ThrowsExactly<ProtobufException>(() => Read([.. Number(1, 8), 0x3a, .. bytes.Length > 0 ? (byte[])[(byte)Math.Min(bytes.Length, 127)] : [5], .. bytes, 0xff]));
        }
    }

    [TestMethod]
    public void Weights_are_not_read()
    {
        var path = _folder.Write("large.onnx", Model([Tensor("x", Float, 1)], [], Initializer("w", new byte[64 * 1024 * 1024])));
        var before = GC.GetAllocatedBytesForCurrentThread();

        ModelSignature.Read(path);

        Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private ModelSignature Read(byte[] model) => ModelSignature.Read(_folder.Write("model.onnx", model));
}
