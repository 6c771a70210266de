using Microsoft.Build.Utilities;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Items;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class AccessorFiles : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void A_folder_that_can_not_be_written_is_a_coded_error_and_no_exception()
    {
        var model = _folder.Write("digits.onnx", Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)], Identity("image", "scores")));
        // A file stands where the folder would be made.
        var directory = _folder.Write("obj", [1]);

        var task = new GenerateModelAccessors
        {
            BuildEngine = _engine,
            Directory = directory,
            Accessors = [AccessorItem.For(new TaskItem(model), model, "digits", [new ModelVariant(model, model, "digits", "cpu", directory, new Dictionary<string, string>(), "", "")], compressed: false, takesHalf: false, "MyApp", directory).ToTaskItem()],
        };

        Assert.IsFalse(task.Execute());
        CollectionAssert.AreEqual(new[] { "MBT3003" }, _engine.ErrorCodes.ToArray());
        Assert.IsEmpty(task.Sources);
    }
}
