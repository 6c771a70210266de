using System.Diagnostics;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Watching : IDisposable
{
    // Far beyond any build of this app: it only ends a test that has failed.
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(5);

    private readonly App _app = new() { Items = """<OptimizedModel Include="models/digits.onnx" CalibrationData="data" EvaluationData="test/images.csv" />""" };

    public Watching()
    {
        _app.Write("data/0/a.png", "x");
        _app.Write("test/images.csv", "x");
    }

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void Models_and_the_files_of_their_data_sets_are_watched()
    {
        _app.Run("restore").ShouldSucceed();

        var (exitCode, output) = DotNet.Run(_app.Folder, Feed.Environment, "watch", "--list");

        Assert.AreEqual(0, exitCode, output);
        var files = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var file in new[] { "models/digits.onnx", "data/0/a.png", "test/images.csv" })
        {
            CollectionAssert.Contains(files, _app.At(file), output);
        }

        Assert.AreEqual(0, _app.WorkerRuns);
    }

    [TestMethod]
    public void A_changed_model_and_a_changed_data_set_are_built_again()
    {
        _app.Run("restore").ShouldSucceed();
        using var watch = DotNet.Start(_app.Folder, Feed.Environment, "watch", "--non-interactive", "build", "-tl:off", "--no-restore");
        try
        {
            var waiting = new Announcements(watch, "Waiting for a file to change");
            waiting.Await(1);
            Assert.AreEqual(1, _app.WorkerRuns, waiting.Output);

            _app.Write("models/digits.onnx", [.. App.Classifier(), .. App.Classifier()]);
            waiting.Await(2);
            Assert.AreEqual(2, _app.WorkerRuns, waiting.Output);

            _app.Write("data/0/a.png", "y");
            waiting.Await(3);
            Assert.AreEqual(3, _app.WorkerRuns, waiting.Output);
        }
        finally
        {
            watch.Kill(entireProcessTree: true);
            watch.WaitForExit();
        }
    }

    /// <summary>Counts how often a process says something, however long it takes to.</summary>
    private sealed class Announcements
    {
        private readonly List<string> _lines = [];
        private readonly string _text;
        private int _times;

        public Announcements(Process process, string text)
        {
            _text = text;
            process.OutputDataReceived += (_, line) => Hear(line.Data);
            process.ErrorDataReceived += (_, line) => Hear(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public string Output
        {
            get
            {
                lock (_lines)
                {
                    return string.Join('\n', _lines);
                }
            }
        }

        public void Await(int times)
        {
            lock (_lines)
            {
                while (_times < times)
                {
                    Assert.IsTrue(Monitor.Wait(_lines, s_longest), $"'{_text}' was said {_times} times of {times}.\n{Output}");
                }
            }
        }

        private void Hear(string? line)
        {
            lock (_lines)
            {
                _lines.Add(line ?? "");
                if (line?.Contains(_text, StringComparison.Ordinal) == true)
                {
                    _times++;
                    Monitor.PulseAll(_lines);
                }
            }
        }
    }
}
