using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Items;

namespace ModelBuildTasks.Exporting;

/// <summary>
/// What models that a command made were made from: the command's text, and its inputs. Kept by the models' paths, so that frameworks and
/// configurations that share a model share the record, and so that Clean, which keeps the model, keeps it, too.
/// </summary>
internal sealed class ExportRecord
{
    private const string Running = "running";

    private readonly string[] _models;
    private readonly string _command;
    private readonly string[] _inputs;
    private readonly string _path;
    private (string Digest, string Times)? _now;

    /// <param name="directory">Full path of the folder that holds the records.</param>
    /// <param name="models">Full paths of what the command makes.</param>
    /// <param name="command">Its text.</param>
    /// <param name="inputs">Full paths of files.</param>
    public ExportRecord(string directory, string[] models, string command, IEnumerable<string> inputs)
    {
        _models = models;
        _command = command;
        _inputs = [.. inputs.Where(IsNoProduct).Distinct(StringComparer.Ordinal).OrderBy(file => file, StringComparer.Ordinal)];
        _path = Path.Combine(directory, $"{Path.GetFileNameWithoutExtension(models[0])}.{Fingerprint.OfText(string.Join("\n", models))}.export");
    }

    /// <summary>Whether the command need not run. Inputs are read only where their times say that they may have changed.</summary>
    /// <param name="cancelled">Asked between files.</param>
    /// <exception cref="IOException">An input cannot be read, or the record not written.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancelled"/> said so.</exception>
    public bool IsUpToDate(Func<bool> cancelled)
    {
        var recorded = File.Exists(_path) ? File.ReadAllText(_path).Split('\n') : null;
        var times = Times();
        if (recorded?.Length == 2 && recorded[1] == times && Array.TrueForAll(_models, File.Exists))
        {
            return true;
        }

        // The times first: what changes while the inputs are read is then seen by the next build.
        _now = (Digest(cancelled), times);
        if (!Array.TrueForAll(_models, File.Exists) || (recorded is null ? _inputs.Length > 0 : recorded[0] != _now.Value.Digest))
        {
            return false;
        }

        if (recorded is null)
        {
            Write();
        }
        else
        {
            Complete();
        }

        return true;
    }

    /// <summary>From here on models are what a command left that did not end, until it is complete.</summary>
    public void Begin() => WholeFile.Write(_path, Running);

    /// <summary>The models are made from what was found by <see cref="IsUpToDate"/>.</summary>
    public void Complete()
    {
        // Visual Studio compares times: a model that stayed older than its exporter would make it build for ever.
        foreach (var model in _models)
        {
            File.SetLastWriteTimeUtc(model, DateTime.UtcNow);
        }

        Write();
    }

    private void Write() => WholeFile.Write(_path, $"{_now!.Value.Digest}\n{_now.Value.Times}");

    private string Times() => Fingerprint.OfText($"{_command}\n{InputStamp.OfTimes(_inputs)}");

    private string Digest(Func<bool> cancelled)
    {
        var lines = new List<string> { _command };
        foreach (var input in _inputs)
        {
            if (cancelled())
            {
                throw new OperationCanceledException();
            }

            lines.Add(input);
            lines.Add(ContentDigest.OfFile(input));
        }

        return ContentDigest.OfText(string.Join("\n", lines));
    }

    // A pattern may catch the model with its external data ("digits.onnx.data", "digits.onnx_data"), and what Python compiles on the way.
    private bool IsNoProduct(string file) =>
        !Array.Exists(_models, model => file.StartsWith(model, StringComparison.Ordinal)) && Path.GetFileName(Path.GetDirectoryName(file)) != "__pycache__";
}
