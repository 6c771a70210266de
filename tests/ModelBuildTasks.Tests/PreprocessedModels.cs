using System.Runtime.Versioning;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

/// <summary>PreprocessModel, with a shell script in the place of the .NET host.</summary>
[TestClass]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
[UnsupportedOSPlatform("windows")]
public sealed class PreprocessedModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void A_worker_that_was_cancelled_has_not_failed()
    {
        var started = _folder.File("started");
        var task = Task($"touch '{started}'; exec sleep 60");
        var run = System.Threading.Tasks.Task.Run(task.Execute);
        Assert.IsTrue(SpinWait.SpinUntil(() => File.Exists(started), TimeSpan.FromSeconds(30)));

        task.Cancel();

        Assert.IsFalse(run.GetAwaiter().GetResult());
        CollectionAssert.DoesNotContain(_engine.ErrorCodes.ToArray(), "MBT3001");
    }

    [TestMethod]
    public void A_worker_that_was_interrupted_before_the_task_was_told_has_not_failed()
    {
        Assert.IsFalse(Task("exit 130").Execute());

        CollectionAssert.DoesNotContain(_engine.ErrorCodes.ToArray(), "MBT3001");
    }

    [TestMethod]
    public void A_worker_that_ends_without_a_word_has_failed()
    {
        Assert.IsFalse(Task("exit 7").Execute());

        CollectionAssert.Contains(_engine.ErrorCodes.ToArray(), "MBT3001");
    }

    [TestMethod]
    public void A_folder_that_cannot_be_made_is_not_the_models_fault()
    {
        var task = Task("exit 0");
        task.OutputPath = Path.Combine(_folder.Write("taken", [1]), "digits.onnx");

        Assert.IsFalse(task.Execute());

        CollectionAssert.AreEqual(new[] { "MBT3003" }, _engine.ErrorCodes.ToArray());
    }

    private PreprocessModel Task(string script)
    {
        var host = _folder.Write("host", System.Text.Encoding.UTF8.GetBytes($"#!/bin/sh\n{script}\n"));
        File.SetUnixFileMode(host, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new PreprocessModel
        {
            BuildEngine = _engine,
            // The engine of these tests has one node only.
            YieldDuringToolExecution = false,
            Model = _folder.Write("digits.onnx", Model([Tensor("image", Float, "N", 3)], [Tensor("scores", Float, "N", 3)], Identity("image", "scores"))),
            Description = _folder.Write("dataset.json", "{}"u8.ToArray()),
            OutputPath = _folder.File("made/digits.onnx"),
            DotNetHost = host,
            WorkerPath = _folder.Write("modelbuild.dll", [0]),
            ProjectFile = _folder.File("app.csproj"),
        };
    }
}
