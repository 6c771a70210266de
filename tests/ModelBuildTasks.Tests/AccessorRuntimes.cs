using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Accessors;
using ModelBuildTasks.Items;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

/// <summary>What an accessor can do by the release of ONNX Runtime that the project references.</summary>
[TestClass]
public sealed class AccessorRuntimes : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    [DataRow("1.12.1")]
    [DataRow("1.15.1")]
    [DataRow("1.15.0-dev-20230501")]
    public void A_release_without_the_interface_leaves_the_byte_access_alone(string version)
    {
        var source = Generate(OnnxRuntime(version));

        StringAssert.Contains(source, "OpenRead(");
        Assert.DoesNotContain("InferenceSession", source);
    }

    [TestMethod]
    public void A_release_without_the_interface_is_told_with_both_versions()
    {
        Generate(OnnxRuntime("1.15.1"));

        var warning = _engine.Warnings.Single();
        Assert.AreEqual("MBT1022", warning.Code);
        Assert.AreEqual(ProjectFile, warning.File);
        StringAssert.Contains(warning.Message, "1.16");
        StringAssert.Contains(warning.Message, "Microsoft.ML.OnnxRuntime.Managed 1.15.1");
    }

    [TestMethod]
    [DataRow("1.16.0")]
    [DataRow("1.16.0-rc1")]
    [DataRow("1.31.1+build")]
    [DataRow("2.0.0")]
    [DataRow("")]
    public void A_release_with_the_interface_and_one_of_no_package_load_and_run(string version)
    {
        var source = Generate(OnnxRuntime(version));

        StringAssert.Contains(source, "InferenceSession");
        Assert.IsEmpty(_engine.Warnings);
    }

    [TestMethod]
    public void The_warning_comes_again_with_a_build_in_which_nothing_has_changed()
    {
        Generate(OnnxRuntime("1.15.1"));

        Generate(OnnxRuntime("1.15.1"));

        CollectionAssert.AreEqual(new[] { "MBT1022", "MBT1022" }, _engine.WarningCodes.ToArray());
    }

    [TestMethod]
    public void A_newer_release_brings_what_was_missing()
    {
        Generate(OnnxRuntime("1.15.1"));

        StringAssert.Contains(Generate(OnnxRuntime("1.16.0")), "InferenceSession");
    }

    [TestMethod]
    public void The_warning_is_an_error_where_the_project_wants_that_also_of_what_is_remembered()
    {
        Generate(OnnxRuntime("1.15.1"));

        Assert.IsFalse(Task(OnnxRuntime("1.15.1"), treatWarningsAsErrors: true).Execute());
        CollectionAssert.AreEqual(new[] { "MBT1022" }, _engine.ErrorCodes.ToArray());
    }

    [TestMethod]
    public void A_project_without_accessors_is_not_warned()
    {
        var task = Task(OnnxRuntime("1.15.1"));
        task.Accessors = [];

        Assert.IsTrue(task.Execute());
        Assert.IsEmpty(_engine.Warnings);
    }

    private string ProjectFile => Path.Combine(_folder.Path, "app.csproj");

    /// <summary>The reference as NuGet resolves it; without a version as a project names a file.</summary>
    private static TaskItem OnnxRuntime(string version)
    {
        var reference = new TaskItem("/packages/lib/Microsoft.ML.OnnxRuntime.dll");
        if (version.Length > 0)
        {
            reference.SetMetadata("NuGetPackageId", "Microsoft.ML.OnnxRuntime.Managed");
            reference.SetMetadata("NuGetPackageVersion", version);
        }

        return reference;
    }

    private string Generate(ITaskItem reference)
    {
        var task = Task(reference);
        Assert.IsTrue(task.Execute());
        return File.ReadAllText(task.Sources.Single().ItemSpec);
    }

    private GenerateModelAccessors Task(ITaskItem reference, bool treatWarningsAsErrors = false)
    {
        var model = _folder.Write("digits.onnx", Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)], Identity("image", "scores")));
        var variant = new ModelVariant(model, model, "digits", "cpu", _folder.Path, new Dictionary<string, string>(), "", "");
        return new GenerateModelAccessors
        {
            BuildEngine = _engine,
            ProjectFile = ProjectFile,
            Directory = _folder.Path,
            References = [reference],
            TreatWarningsAsErrors = treatWarningsAsErrors,
            Accessors = [AccessorItem.For(new TaskItem(model), model, "digits", [variant], compressed: false, takesHalf: false, "MyApp", _folder.Path).ToTaskItem()],
        };
    }
}
