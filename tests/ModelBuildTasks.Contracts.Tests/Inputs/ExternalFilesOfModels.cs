using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Contracts.Tests.Inputs;

[TestClass]
public sealed class ExternalFilesOfModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Each_is_named_once() =>
        CollectionAssert.AreEqual(new[] { "a.bin", "b.bin" }, Of(Model([], [], ExternalInitializer("v", "b.bin"), ExternalInitializer("w", "a.bin"), ExternalInitializer("x", "a.bin"))));

    [TestMethod]
    public void Those_of_constants_branches_functions_and_sparse_weights_too()
    {
        var constant = Message(1, Message(5, Message(5, External("constant.bin"))));
        var branch = Message(1, Message(5, Message(6, ExternalInitializer("w", "branch.bin"))));
        var loops = Message(1, Message(5, Message(11, Message(1, Message(5, Message(10, External("nested.bin")))))));
        var sparse = Message(15, Message(1, External("sparse.bin")));
        byte[] model = [.. Model([], [], constant, branch, loops, sparse), .. Message(25, Message(7, Message(5, Message(5, External("function.bin"))))), .. Message(25, Message(11, Message(5, External("default.bin"))))];

        CollectionAssert.AreEquivalent(new[] { "constant.bin", "branch.bin", "nested.bin", "sparse.bin", "function.bin", "default.bin" }, Of(model));
    }

    [TestMethod]
    public void A_model_that_holds_its_weights_has_none() => Assert.IsEmpty(Of(Model([], [], Initializer("w", [1, 2, 3]))));

    [TestMethod]
    public void Nesting_without_end_is_not_followed()
    {
        byte[] graph = [];
        for (var i = 0; i < 20_000; i++)
        {
            graph = Message(1, Message(5, Message(6, graph)));
        }

        Assert.IsEmpty(Of(Message(7, graph)));
    }

    [TestMethod]
    public void What_is_no_model_has_none() => Assert.IsEmpty(Of("version https://git-lfs.github.com/spec/v1"u8.ToArray()));

    private static byte[] External(string location) => [.. Number(2, Float), .. Message(13, [.. Message(1, "location"), .. Message(2, location)])];

    private string[] Of(byte[] model) => [.. ExternalFiles.Of(_folder.Write("model.onnx", model))];
}
