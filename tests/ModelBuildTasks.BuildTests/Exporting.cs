using System.Globalization;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>ExportCommand, with a shell script as the project's exporter.</summary>
[TestClass]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows, IgnoreMessage = "The exporter of these tests is a script for sh.")]
public sealed class Exporting : IDisposable
{
    private const string Item = """<OptimizedModel Include="out/digits.onnx" ExportCommand="sh export.sh out/digits.onnx" ExportInputs="export.sh;weights/**" />""";

    private readonly App _app = new() { Items = Item };

    public Exporting()
    {
        _app.Write("weights/a.bin", "weights");
        Exporter("""cp models/digits.onnx "$1" """);
    }

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_model_is_made_before_anyone_reads_it_and_never_again()
    {
        _app.Write("Program.cs", "Console.Write(MyApp.Digits.OpenRead().Length > 0);");

        _app.Build().ShouldSucceed();
        var second = _app.Build().ShouldSucceed();

        Assert.AreEqual(1, ExporterRuns);
        Assert.AreEqual("True", _app.Execute("bin/Debug/net10.0/app.dll"));
        Assert.AreEqual(0, second.TaskRuns("OptimizeModels"));
        Assert.AreEqual(0, second.TaskRuns("Csc"));
    }

    [TestMethod]
    public void What_the_model_is_made_from_makes_it_again()
    {
        _app.Build().ShouldSucceed();

        _app.Write("weights/a.bin", "trained again");
        _app.Build().ShouldSucceed();
        Assert.AreEqual(2, ExporterRuns, "an input");

        _app.Write("weights/deep/b.bin", "more");
        _app.Build().ShouldSucceed();
        Assert.AreEqual(3, ExporterRuns, "one more file");

        _app.Items = Item.Replace("sh export.sh out/digits.onnx", "sh export.sh out/digits.onnx --opset 17", StringComparison.Ordinal);
        _app.Build().ShouldSucceed();
        Assert.AreEqual(4, ExporterRuns, "the command");

        File.Delete(_app.At("out/digits.onnx"));
        _app.Build().ShouldSucceed();
        Assert.AreEqual(5, ExporterRuns, "the model is missing");

        _app.Build().ShouldSucceed();
        Assert.AreEqual(5, ExporterRuns, "nothing");
        Assert.AreEqual(1, _app.WorkerRuns, "The exporter gave the same model each time.");
    }

    [TestMethod]
    public void What_is_only_touched_runs_no_command()
    {
        _app.Build().ShouldSucceed();
        File.SetLastWriteTimeUtc(_app.At("weights/a.bin"), DateTime.UtcNow.AddSeconds(-1));

        _app.Build().ShouldSucceed();

        Assert.AreEqual(1, ExporterRuns);
        Assert.IsTrue(File.GetLastWriteTimeUtc(_app.At("out/digits.onnx")) > File.GetLastWriteTimeUtc(_app.At("weights/a.bin")));
    }

    [TestMethod]
    public void Without_inputs_it_runs_where_the_model_is_missing_or_the_command_changed()
    {
        const string item = """<OptimizedModel Include="models/digits.onnx" ExportCommand="sh export.sh out/digits.onnx" />""";
        _app.Items = item;
        _app.Build().ShouldSucceed();
        Assert.AreEqual(0, ExporterRuns, "The model is there.");

        _app.Items = item.Replace("out/digits.onnx", "out/other.onnx", StringComparison.Ordinal);
        Directory.CreateDirectory(_app.At("out"));
        _app.Build().ShouldSucceed();
        Assert.AreEqual(1, ExporterRuns, "the command");
    }

    [TestMethod]
    public void A_command_that_fails_is_an_error_at_the_models_line_with_the_end_of_its_output()
    {
        Exporter("""echo half > "$1"; echo half > "$1.data"; seq 1 50; echo "ValueError: no weights" >&2; exit 3""");

        var error = _app.Build().ShouldFailWith("MBT3005").Errors.Single();

        Assert.AreEqual(_app.At("app.csproj"), error.File);
        StringAssert.StartsWith(File.ReadAllLines(_app.At("app.csproj"))[error.LineNumber - 1].Trim(), "<OptimizedModel ");
        StringAssert.Contains(error.Text, "exit code 3");
        StringAssert.Contains(error.Text, "ValueError: no weights");
        StringAssert.Contains(error.Text, "\n50");
        Assert.DoesNotContain("\n20\n", error.Text);
        Assert.IsEmpty(Directory.GetFiles(_app.At("out")), "Half a model is left.");
    }

    [TestMethod]
    public void A_command_that_fails_runs_again_and_leaves_a_model_that_it_did_not_touch()
    {
        _app.Build().ShouldSucceed();
        Exporter("exit 1");

        _app.Build().ShouldFailWith("MBT3005");
        _app.Build().ShouldFailWith("MBT3005");

        Assert.AreEqual(3, ExporterRuns);
        Assert.IsTrue(File.Exists(_app.At("out/digits.onnx")));
    }

    [TestMethod]
    public void A_command_that_makes_no_model_is_told()
    {
        Exporter("cp models/digits.onnx elsewhere.onnx");

        StringAssert.Contains(_app.Build().ShouldFailWith("MBT0016").Output, _app.At("out/digits.onnx"));
    }

    [TestMethod]
    public void An_input_that_does_not_exist_is_told_before_the_command_runs()
    {
        _app.Items = Item.Replace("export.sh;", "exporter.sh;", StringComparison.Ordinal);

        StringAssert.Contains(_app.Build().ShouldFailWith("MBT0005").Output, _app.At("exporter.sh"));

        Assert.AreEqual(0, ExporterRuns);
    }

    [TestMethod]
    public void What_the_command_prints_is_in_the_log_and_warnings_and_errors_are_such()
    {
        Exporter("""echo "epoch 1 of 1"; echo "weights/a.bin(3): warning W1: old format"; cp models/digits.onnx "$1" """);

        var outcome = _app.Build().ShouldSucceed();

        StringAssert.Contains(outcome.Output, "epoch 1 of 1");
        CollectionAssert.AreEqual(new[] { "W1" }, outcome.WarningCodes);
        Assert.AreEqual(3, outcome.Warnings[0].LineNumber);

        Exporter("""echo "weights/a.bin(3): error W2: unknown format"; cp models/digits.onnx "$1" """);
        _app.Build().ShouldFailWith("W2");
    }

    [TestMethod]
    public void The_shell_gets_the_command_as_it_is_written()
    {
        _app.Items = """<OptimizedModel Include="out/digits.onnx" ExportCommand="for f in 'a b' &quot;c\&quot;d\\&quot; '\'; do echo &quot;&lt;$f&gt;&quot; &gt;&gt; words.log; done; cp models/digits.onnx &quot;%(FullPath)&quot;" />""";

        _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "<a b>", "<c\"d\\>", "<\\>" }, File.ReadAllLines(_app.At("words.log")));
    }

    [TestMethod]
    public void Models_of_one_command_are_made_by_one_run()
    {
        Exporter("for name in a b; do cp models/digits.onnx out/$name.onnx; done");
        _app.Items = """<OptimizedModel Include="out/a.onnx;out/b.onnx" ExportCommand="sh export.sh" ExportInputs="export.sh" /><OptimizedModel Include="models/digits.onnx" />""";

        _app.Build().ShouldSucceed();
        _app.Build().ShouldSucceed();

        Assert.AreEqual(1, ExporterRuns);
    }

    [TestMethod]
    public void Frameworks_and_configurations_that_share_a_model_run_the_command_once()
    {
        Exporter("""sleep 1; cp models/digits.onnx "$1" """);
        _app.TargetFramework = "";
        _app.Project = "<PropertyGroup><TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><OutputType>Library</OutputType><Nullable>disable</Nullable><ImplicitUsings>disable</ImplicitUsings></PropertyGroup>";
        _app.Write("Program.cs", "");

        var first = _app.Build("-m").ShouldSucceed();
        _app.Build("-c", "Release").ShouldSucceed();

        Assert.AreEqual(2, first.TaskRuns("ExportModel"), "Each framework asks.");
        Assert.AreEqual(1, ExporterRuns);
    }

    [TestMethod]
    public void A_pattern_that_catches_the_model_and_what_python_compiled_does_not_run_for_ever()
    {
        Exporter("""cp models/digits.onnx "$1"; date +%N > "$1.data"; mkdir -p out/__pycache__; date +%N > out/__pycache__/net.pyc""");
        _app.Items = Item.Replace("weights/**", "out/**", StringComparison.Ordinal);

        _app.Build().ShouldSucceed();
        _app.Build().ShouldSucceed();

        Assert.AreEqual(1, ExporterRuns);
    }

    [TestMethod]
    public void With_the_optimization_switched_off_it_runs_too()
    {
        _app.Build("-p:ModelBuildEnabled=false").ShouldSucceed();

        Assert.AreEqual(1, ExporterRuns);
    }

    [TestMethod]
    public void A_design_time_build_runs_nothing_and_misses_nothing()
    {
        _app.Build("-t:PrepareResourceNames;Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true").ShouldSucceed();

        Assert.AreEqual(0, ExporterRuns);
    }

    [TestMethod]
    public void Clean_removes_a_model_below_obj_and_no_other()
    {
        _app.Items = Item + Item.Replace("out/digits.onnx", "obj/other.onnx", StringComparison.Ordinal);
        _app.Build().ShouldSucceed();

        _app.Run("clean").ShouldSucceed();

        Assert.IsTrue(File.Exists(_app.At("out/digits.onnx")));
        Assert.IsFalse(File.Exists(_app.At("obj/other.onnx")));
        _app.Build().ShouldSucceed();
        Assert.AreEqual(3, ExporterRuns);
    }

    [TestMethod]
    public void An_interrupted_build_ends_the_command_and_takes_half_a_model_away()
    {
        Exporter("""echo half > "$1"; echo $$ > exporter.pid; sleep 300 & wait""");
        using var build = _app.StartBuild();
        var exporter = Signals.WaitFor(_app.At("exporter.pid"), build);

        Signals.Send("INT", build);

        var (exitCode, output) = DotNet.Finish(build);
        Assert.AreNotEqual(0, exitCode, output);
        Assert.DoesNotContain("MBT", output);
        exporter.ShouldEnd();
        Assert.IsFalse(File.Exists(_app.At("out/digits.onnx")));
    }

    [TestMethod]
    public void After_a_build_that_was_killed_half_a_model_is_made_again()
    {
        _app.Items = """<OptimizedModel Include="out/digits.onnx" ExportCommand="sh export.sh out/digits.onnx" />""";
        Exporter("""echo half > "$1"; echo $$ > exporter.pid; sleep 300""");
        using var build = _app.StartBuild();
        var exporter = Signals.WaitFor(_app.At("exporter.pid"), build);
        Signals.Send("KILL", build, exporter);
        DotNet.Finish(build);
        Exporter("""cp models/digits.onnx "$1" """);

        _app.Build().ShouldSucceed();
    }

    [TestMethod]
    [DataRow("""<OptimizedModel Include="models/digits.onnx" ExportInputs="export.sh" />""")]
    [DataRow("""<OptimizedModel Include="models/digits.onnx" /><OptimizedModelTarget Include="cpu" Model="digits" ExportCommand="sh export.sh" />""")]
    public void What_can_not_be_obeyed_is_refused(string items)
    {
        _app.Items = items;

        _app.Build().ShouldFailWith("MBT0003");
    }

    private int ExporterRuns => File.Exists(_app.At("exports.log")) ? File.ReadAllLines(_app.At("exports.log")).Length : 0;

    private void Exporter(string script) => _app.Write("export.sh", string.Create(CultureInfo.InvariantCulture, $"echo run >> exports.log\n{script}\n"));
}
