namespace ModelBuildTasks.Contracts;

/// <summary>A model's name as part of a file's.</summary>
public static class ModelFileName
{
    /// <summary>The name with what a file system may refuse replaced.</summary>
    public static string Of(string name)
    {
        var characters = name.ToCharArray();
        for (var i = 0; i < characters.Length; i++)
        {
            // The same on every platform, so that a resource has one name.
            characters[i] = char.IsControl(characters[i]) || "<>:\"/\\|?*;%".IndexOf(characters[i]) >= 0 ? '_' : characters[i];
        }

        return new string(characters).Trim('.', ' ');
    }
}
