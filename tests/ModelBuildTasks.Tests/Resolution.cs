using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Resolution : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    [DataRow("", "cpu")]
    [DataRow("linux-x64", "cpu-x64")]
    [DataRow("win-arm64", "cpu-arm64")]
    public void A_model_without_targets_gets_the_one_of_the_runtime_identifier(string runtimeIdentifier, string target)
    {
        var variant = Resolve([Model("models/digits.onnx")], runtimeIdentifier: runtimeIdentifier).Variants.Single();

        Assert.AreEqual(Path.Combine(_folder.Path, "obj", "digits", target, "digits.onnx"), variant.ItemSpec);
        Assert.AreEqual(Path.Combine(_folder.Path, "models", "digits.onnx"), variant.GetMetadata("ModelPath"));
        Assert.AreEqual($"models/digits.{target}.onnx", variant.GetMetadata("LogicalName"));
    }

    [TestMethod]
    public void A_compressed_model_is_another_file_and_another_resource()
    {
        var resolved = Resolve([Model("models/digits.onnx", ("Compress", "True"))]);

        Assert.AreEqual(Path.Combine(_folder.Path, "obj", "digits", "cpu", "digits.onnx.br"), resolved.Variants.Single().ItemSpec);
        Assert.AreEqual("models/digits.cpu.onnx.br", resolved.Variants.Single().GetMetadata("LogicalName"));
        Assert.AreEqual("true", resolved.AccessorItems.Single().GetMetadata("Compressed"));
    }

    [TestMethod]
    public void Switched_off_nothing_is_compressed()
    {
        var resolved = Resolve([Model("models/digits.onnx", ("Compress", "true"))], enabled: "false");

        Assert.AreEqual("models/digits.cpu.onnx", resolved.Variants.Single().GetMetadata("LogicalName"));
        Assert.AreEqual("false", resolved.AccessorItems.Single().GetMetadata("Compressed"));
    }

    [TestMethod]
    public void A_target_framework_without_brotli_is_refused()
    {
        Resolve([Model("models/digits.onnx", ("Compress", "true"))], targetFramework: ".NETFramework,Version=v4.8", hasBrotli: false);

        Assert.AreEqual("MBT0013", _engine.ErrorCodes.Single());
        StringAssert.Contains(_engine.Errors.Single().Message, ".NETFramework,Version=v4.8");
    }

    [TestMethod]
    public void Without_compressed_models_no_target_framework_is_refused()
    {
        Resolve([Model("models/digits.onnx")], targetFramework: ".NETFramework,Version=v4.8", hasBrotli: false);

        Assert.IsEmpty(_engine.ErrorCodes);
    }

    [TestMethod]
    [DataRow("Compress", "true")]
    [DataRow("Embed", "false")]
    [DataRow("Accessor", "false")]
    [DataRow("AccessorNamespace", "Other")]
    [DataRow("AccessorClass", "Other")]
    [DataRow("AccessorVisibility", "public")]
    [DataRow("Name", "other")]
    [DataRow("Targets", "cuda")]
    [DataRow("IoPrecision", "Float16")]
    public void What_a_model_is_called_and_how_it_travels_is_the_same_for_all_of_its_targets(string metadata, string value)
    {
        Resolve([Model("models/digits.onnx")], [Override("cpu", "digits", (metadata, value))]);

        Assert.AreEqual("MBT0003", _engine.ErrorCodes.Single());
    }

    [TestMethod]
    public void No_model_has_to_exist_and_only_a_memory_is_written()
    {
        Resolve([Model("models/digits.onnx")]);

        CollectionAssert.AreEqual(new[] { _folder.File("obj/ResolveOptimizedModels.cache") }, Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void What_was_resolved_before_is_recalled_with_every_metadata()
    {
        var first = Resolve([Model("a;b %41.onnx", ("MaxSize", "1KB"), ("CalibrationData", "d;e%20f"))]);
        var second = Resolve([Model("a;b %41.onnx", ("MaxSize", "1KB"), ("CalibrationData", "d;e%20f"))]);

        Assert.AreNotSame(first.Variants[0], second.Variants[0]);
        Assert.AreEqual(Text(first), Text(second));
    }

    [TestMethod]
    [DataRow("MaxSize")]
    [DataRow("Name")]
    [DataRow("Link")]
    public void A_changed_metadata_is_resolved_anew(string name)
    {
        Resolve([Model("digits.onnx", (name, "1"))]);

        Assert.AreEqual(Text(Resolve([Model("digits.onnx", (name, "2"))])), Text(ResolveAfresh([Model("digits.onnx", (name, "2"))])));
    }

    [TestMethod]
    public void What_is_wrong_is_said_again_in_the_next_build()
    {
        Resolve([Model("digits.onnx", ("MaxSzie", "1KB"))]);
        Resolve([Model("digits.onnx", ("MaxSzie", "1KB"))]);

        CollectionAssert.AreEqual(new[] { "MBT0012", "MBT0012" }, _engine.WarningCodes.ToArray());
    }

    [TestMethod]
    public void A_damaged_memory_is_none()
    {
        var whole = Text(Resolve([Model("digits.onnx")]));
        var bytes = File.ReadAllBytes(_folder.File("obj/ResolveOptimizedModels.cache"));
        for (var length = 0; length < bytes.Length; length += 7)
        {
            _folder.Write("obj/ResolveOptimizedModels.cache", bytes[..length]);

            Assert.AreEqual(whole, Text(Resolve([Model("digits.onnx")])));
        }
    }

    [TestMethod]
    public void An_error_names_the_line_of_the_item_in_the_file_that_defines_it()
    {
        var project = _folder.Write("app.csproj", """
            <Project>
              <ItemGroup>
                <OptimizedModel Include="other.onnx" />
                <OptimizedModel Include="models\digits.onnx"
                                Precision="Int9" />
              </ItemGroup>
            </Project>
            """u8.ToArray());

        Resolve([new DefinedItem(Model("models/digits.onnx", ("Precision", "Int9")), project)]);

        var error = _engine.Errors.Single();
        Assert.AreEqual((project, 4, 6), (error.File, error.LineNumber, error.ColumnNumber));
    }

    [TestMethod]
    [DataRow("CalibrationData")]
    [DataRow("TrainingData")]
    [DataRow("Teacher")]
    [DataRow("Student")]
    public void Paths_are_relative_to_the_project_whatever_the_current_directory_holds(string metadata)
    {
        var decoy = Path.Combine(Directory.GetCurrentDirectory(), "data");
        var variant = Resolve([Model("models\\digits.onnx", (metadata, "data\\calibration"))]).Variants.Single();

        Assert.AreEqual(Path.Combine(_folder.Path, "data", "calibration"), variant.GetMetadata(metadata));
        Assert.DoesNotContain(decoy, variant.GetMetadata(metadata));
    }

    [TestMethod]
    public void An_override_wins_over_the_models_own_metadata_for_its_target_only()
    {
        var variants = Resolve([Model("digits.onnx", ("Targets", "cpu;cuda"), ("Precision", "Int8"))], [Override("CUDA", "Digits", ("Precision", "Float16"))]).Variants;

        CollectionAssert.AreEqual(new[] { "cpu:Int8", "cuda:Float16" },
            variants.Select(variant => $"{variant.GetMetadata("TargetProfile")}:{variant.GetMetadata("Precision")}").ToArray());
    }

    [TestMethod]
    [DataRow("Float16", "true", "true")]
    [DataRow("Source", "true", "false")]
    [DataRow("Float16", "false", "false", DisplayName = "switched off, where the source model ships")]
    public void The_accessor_takes_what_the_artifacts_take(string io, string enabled, string expected)
    {
        var accessor = Resolve([Model("digits.onnx", ("IoPrecision", io))], enabled: enabled).AccessorItems.Single();

        Assert.AreEqual(expected, accessor.GetMetadata("TakesHalf"));
    }

    [TestMethod]
    public void Percent_signs_and_semicolons_in_paths_are_meant_literally()
    {
        var variant = Resolve([Model("models/100%25 sure%3B.onnx")]).Variants.Single();

        Assert.AreEqual(Path.Combine(_folder.Path, "models", "100% sure;.onnx"), variant.GetMetadata("ModelPath"));
        Assert.AreEqual("models/100_ sure_.cpu.onnx", variant.GetMetadata("LogicalName"));
    }

    [TestMethod]
    public void The_accessor_lists_targets_from_the_most_specific_on()
    {
        var accessor = Resolve([Model("3d-boxes.onnx", ("Targets", "cpu;cuda;cpu-x64"))]).AccessorItems.Single();

        Assert.AreEqual("_3dBoxes", accessor.GetMetadata("Class"));
        Assert.AreEqual("MyApp", accessor.GetMetadata("Namespace"));
        Assert.AreEqual("cuda,cpu-x64,cpu", accessor.GetMetadata("Targets"));
    }

    [TestMethod]
    public void An_accessor_that_is_not_wanted_is_not_made() =>
        Assert.IsEmpty(Resolve([Model("digits.onnx", ("Accessor", "false"))]).AccessorItems);

    [TestMethod]
    public void Two_models_can_not_share_a_name()
    {
        Resolve([Model("a/digits.onnx"), Model("b/Digits.onnx")]);

        Assert.AreEqual("MBT0009", _engine.ErrorCodes.Single());
    }

    [TestMethod]
    [DataRow("Targets", "tpu", "MBT0001")]
    [DataRow("Embed", "perhaps", "MBT0001")]
    [DataRow("AccessorVisibility", "private", "MBT0001")]
    [DataRow("AccessorClass", "my class", "MBT0002")]
    [DataRow("AccessorClass", "Run", "MBT0002")]
    [DataRow("AccessorNamespace", "My..App", "MBT0002")]
    public void Bad_metadata_are_errors_at_the_model(string name, string value, string code)
    {
        Resolve([Model("digits.onnx", (name, value))]);

        var error = _engine.Errors.Single();
        Assert.AreEqual(code, error.Code);
        Assert.AreEqual(Path.Combine(_folder.Path, "digits.onnx"), error.File);
        StringAssert.EndsWith(error.HelpLink, $"#{code.ToLowerInvariant()}");
    }

    [TestMethod]
    public void What_is_wrong_for_every_target_is_said_once()
    {
        Resolve([Model("digits.onnx", ("Targets", "cpu;cpu-x64;cuda"), ("Precision", "Int9"))]);

        Assert.AreEqual("MBT0001", _engine.ErrorCodes.Single());
    }

    [TestMethod]
    public void Targets_that_can_not_run_at_all_are_an_error()
    {
        Resolve([Model("digits.onnx", ("Targets", "cpu-x64;cuda"))], runtimeIdentifier: "osx-arm64");

        Assert.AreEqual("MBT0010", _engine.ErrorCodes.Single());
    }

    [TestMethod]
    [DataRow("cuda", "digit")]
    [DataRow("gpu", "digits")]
    public void An_override_of_nothing_is_an_error(string target, string model)
    {
        Resolve([Model("digits.onnx")], [Override(target, model)]);

        Assert.AreEqual("MBT0011", _engine.ErrorCodes.Single());
    }

    [TestMethod]
    public void A_project_without_the_sdk_is_refused()
    {
        Resolve([Model("digits.onnx")], isSdkProject: false);

        Assert.AreEqual("MBT0008", _engine.ErrorCodes.Single());
    }

    [TestMethod]
    public void Properties_of_the_project_are_checked_too()
    {
        Resolve([Model("digits.onnx")], measurement: "Maybe");

        Assert.AreEqual("MBT0001", _engine.ErrorCodes.Single());
        Assert.AreEqual(Path.Combine(_folder.Path, "app.csproj"), _engine.Errors.Single().File);
    }

    [TestMethod]
    public void A_remote_cache_that_is_no_url_is_refused_without_its_password()
    {
        Resolve([Model("digits.onnx")], remoteCache: "ftp://build:secret@cache.example.com");

        var error = _engine.Errors.Single();
        Assert.AreEqual("MBT0002", error.Code);
        StringAssert.Contains(error.Message, "ModelRemoteCache=\"***@cache.example.com\"");
        Assert.DoesNotContain("secret", error.Message!);
    }

    [TestMethod]
    [DataRow("no", "MBT0001")]
    [DataRow("TRUE", null)]
    public void Switching_off_takes_true_and_false_only(string enabled, string? code)
    {
        Resolve([Model("digits.onnx")], enabled: enabled);

        Assert.AreEqual(code, _engine.ErrorCodes.SingleOrDefault());
    }

    private ResolveOptimizedModels ResolveAfresh(ITaskItem[] models)
    {
        File.Delete(_folder.File("obj/ResolveOptimizedModels.cache"));
        return Resolve(models);
    }

    private static string Text(ResolveOptimizedModels task) => string.Join("\n", task.Variants.Concat(task.AccessorItems)
        .Select(item => $"{item.ItemSpec} {string.Join(",", item.CloneCustomMetadata().Keys.Cast<string>().Order(StringComparer.Ordinal).Select(name => $"{name}={item.GetMetadata(name)}"))}"));

    private ResolveOptimizedModels Resolve(ITaskItem[] models, ITaskItem[]? overrides = null, string runtimeIdentifier = "", string measurement = "Auto", bool isSdkProject = true, string remoteCache = "", string enabled = "true", string targetFramework = "", bool hasBrotli = true)
    {
        var task = new ResolveOptimizedModels
        {
            BuildEngine = _engine,
            Models = models,
            Overrides = overrides ?? [],
            RuntimeIdentifier = runtimeIdentifier,
            Directory = Path.Combine(_folder.Path, "obj") + Path.DirectorySeparatorChar,
            ProjectFile = Path.Combine(_folder.Path, "app.csproj"),
            RootNamespace = "MyApp",
            Enabled = enabled,
            Measurement = measurement,
            BudgetSeverity = "Error",
            RemoteCache = remoteCache,
            TargetFramework = targetFramework,
            HasBrotli = hasBrotli,
            IsSdkProject = isSdkProject,
        };
        Assert.AreEqual(task.Execute(), _engine.Errors.Count == 0);
        return task;
    }

    private static TaskItem Model(string path, params (string Name, string Value)[] metadata) => Item(path, metadata);

    private static TaskItem Override(string target, string model, params (string Name, string Value)[] metadata) => Item(target, [("Model", model), .. metadata]);

    private static TaskItem Item(string include, (string Name, string Value)[] metadata)
    {
        var item = new TaskItem(include);
        foreach (var (name, value) in metadata)
        {
            item.SetMetadata(name, value);
        }

        return item;
    }
}
