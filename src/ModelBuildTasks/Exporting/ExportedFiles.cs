using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Items;

namespace ModelBuildTasks.Exporting;

/// <summary>
/// The models that a command makes, with their external data, as they are before it runs: the files that a model names, and those that lie beside it under the names that PyTorch and Optimum give them.
/// </summary>
internal sealed class ExportedFiles
{
    private readonly Dictionary<string, string[]> _named;
    private readonly Dictionary<string, string> _before;

    /// <param name="models">Full paths.</param>
    /// <exception cref="IOException">A model cannot be read.</exception>
    public ExportedFiles(string[] models)
    {
        _named = models.Distinct().ToDictionary(model => model, model => File.Exists(model) ? [.. RequestInputs.Models(model).Select(file => file.Path)] : new[] { model });
        _before = _named.Keys.SelectMany(FilesOf).Distinct().ToDictionary(file => file, InputStamp.OfTimes);
    }

    /// <summary>Deletes what was written since: what a command had begun when it ended is no model. A model stays where neither its file nor its data was touched.</summary>
    public void DeleteWritten()
    {
        foreach (var model in _named.Keys)
        {
            var written = FilesOf(model).Where(IsWritten).ToList();
            written.ForEach(File.Delete);
            if (written.Count > 0)
            {
                // Where only its data was written, it is whole no more.
                File.Delete(model);
            }
        }
    }

    // A file that is new, or gone, was written as well.
    private bool IsWritten(string file) => !_before.TryGetValue(file, out var stamp) || InputStamp.OfTimes(file) != stamp;

    private IEnumerable<string> FilesOf(string model)
    {
        var folder = Path.GetDirectoryName(model)!;
        var beside = Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Where(file => file == $"{model}.data" || file.StartsWith($"{model}_data", StringComparison.Ordinal)) : [];
        return _named[model].Concat(beside).Distinct();
    }
}
