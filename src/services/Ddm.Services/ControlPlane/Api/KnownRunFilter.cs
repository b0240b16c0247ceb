using Ddm.Runs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary>Answers for a run that no one can name (400) and for one that is not there (404) before any endpoint is asked.</summary>
internal sealed class KnownRunFilter(RunRepository runs) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var name = (string)context.HttpContext.GetRouteValue("name")!;
        RunName.Require(name);
        (RunDocument, string)? found;
        try
        {
            found = await runs.FindAsync(name, context.HttpContext.RequestAborted);
        }
        catch (UserErrorException e) when (!e.MayPass)
        {
            // Damaged, or a newer version's: whoever asked cannot help it.
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status500InternalServerError);
        }

        return found is null
            ? TypedResults.Problem($"There is no run '{name}'. GET /runs lists those there are.", statusCode: StatusCodes.Status404NotFound)
            : await next(context);
    }
}
