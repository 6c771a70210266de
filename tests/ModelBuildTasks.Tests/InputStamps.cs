using ModelBuildTasks.Items;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class InputStamps : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    [DataRow(1000, 500)]
    [DataRow(65 * 1024 * 1024, 0)]
    [DataRow(65 * 1024 * 1024, (65 * 1024 * 1024) - 1)]
    public void Of_contents_change_with_them_though_length_and_time_stay(int length, int changed)
    {
        var path = _folder.Write("model.onnx", new byte[length]);
        var time = File.GetLastWriteTimeUtc(path);
        var before = InputStamp.OfContents(path);

        using (var file = File.OpenWrite(path))
        {
            file.Position = changed;
            file.WriteByte(1);
        }

        File.SetLastWriteTimeUtc(path, time);
        Assert.AreNotEqual(before, InputStamp.OfContents(path));
    }

    [TestMethod]
    public void Of_contents_change_with_the_time_too()
    {
        var path = _folder.Write("model.onnx", new byte[1000]);
        var before = InputStamp.OfContents(path);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-1));

        Assert.AreNotEqual(before, InputStamp.OfContents(path));
    }

    [TestMethod]
    public void Of_names_change_when_a_file_comes()
    {
        _folder.Write("data/x.npy", [1]);
        var before = InputStamp.OfNames(_folder.File("data"));
        _folder.Write("data/labels.npy", [1]);

        Assert.AreNotEqual(before, InputStamp.OfNames(_folder.File("data")));
    }
}
