import java.nio.file.Path;
import java.util.TreeMap;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.env.EnvironmentPostProcessor;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.cloud.bindings.Bindings;
import org.springframework.cloud.bindings.boot.BindingSpecificEnvironmentPostProcessor;

/**
 * Prints, as a JSON object, the properties that Spring Boot gets from the service
 * bindings in a folder.
 */
public final class Properties {
    public static void main(String[] args) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addFirst(
            new org.springframework.core.env.MapPropertySource("root", java.util.Map.of("SERVICE_BINDING_ROOT", args[0])));
        EnvironmentPostProcessor processor = new BindingSpecificEnvironmentPostProcessor(new Bindings(args[0]));
        processor.postProcessEnvironment(environment, new SpringApplication());
        TreeMap<String, Object> found = new TreeMap<>();
        environment.getPropertySources().forEach(source -> {
            if (source instanceof EnumerablePropertySource<?> listed) {
                for (String name : listed.getPropertyNames()) {
                    if (name.startsWith("spring.security.oauth2.")) {
                        found.put(name, environment.getProperty(name));
                    }
                }
            }
        });
        StringBuilder out = new StringBuilder("{");
        found.forEach((name, value) -> out.append(out.length() > 1 ? "," : "").append(quoted(name)).append(":").append(quoted("" + value)));
        System.out.println(out.append("}"));
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
