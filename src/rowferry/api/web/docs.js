// Starts Swagger UI on this service's own description.

window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger', deepLinking: true, validatorUrl: null });
